"use strict";
const HEARD = 0.3; // of a clip, before it may be rated
const MOS = [[1, "bad"], [2, "poor"], [3, "fair"], [4, "good"], [5, "excellent"]];
const AB = [[-1, "A", "is better"], [0, "=", "no difference"], [1, "B", "is better"]];
const $ = id => document.getElementById(id);
let task = null, heard = [];

async function ask(path, body) {
  const sent = body === undefined ? {} : { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const answer = await fetch(path, sent);
  if (!answer.ok) throw new Error(`the server answers ${answer.status}`);
  return answer.json();
}

function trouble(words) {
  $("trouble").textContent = words;
  $("trouble").hidden = !words;
}

async function next() {
  const state = await ask("task");
  trouble("");
  $("count").textContent = `${state.answered} of ${state.all}`;
  $("progress").max = Math.max(1, state.all);
  $("progress").value = state.answered;
  task = state.task;
  $("task").hidden = !task;
  $("end").hidden = !!task;
  if (task) show();
}

function show() {
  const pair = task.kind === "ab";
  $("question").textContent = pair ? "Which of the two is the better song?" : "How good is this song?";
  $("prompt").textContent = task.prompt ? `Asked for: ${task.prompt}` : "";
  $("lyrics").textContent = task.lyrics || "Nothing: it is to be played by instruments alone.";
  heard = task.clips.map(() => 0);
  $("players").replaceChildren(...task.clips.map((token, i) => player(token, pair ? "AB"[i] : "", i)));
  const choices = pair ? AB : MOS;
  $("answers").className = pair ? "three" : "five";
  $("answers").replaceChildren(...choices.map(([value, ...words]) => button(value, words, pair)));
  ready();
}

function player(token, name, i) {
  const label = document.createElement("label"), audio = document.createElement("audio");
  label.append(name ? `Song ${name}` : "", audio);
  audio.controls = true;
  audio.preload = "auto";
  audio.src = `audio/${token}`;
  audio.setAttribute("aria-label", name ? `Song ${name}` : "The song");
  audio.addEventListener("timeupdate", () => {
    const played = Array.from({ length: audio.played.length }, (_, k) => audio.played.end(k) - audio.played.start(k));
    heard[i] = played.reduce((sum, part) => sum + part, 0);
    ready();
  });
  audio.addEventListener("play", () => document.querySelectorAll("audio").forEach(other => other !== audio && other.pause()));
  audio.addEventListener("error", () => trouble("This song cannot be played. Reload the page."));
  return label;
}

function button(value, words, pair) {
  const found = document.createElement("button"), strong = document.createElement("strong"), span = document.createElement("span");
  strong.textContent = pair ? words[0] : value;
  span.textContent = words[words.length - 1];
  found.append(strong, span);
  found.type = "button";
  found.dataset.value = value;
  found.addEventListener("click", () => answer(value));
  return found;
}

function enough() {
  const players = [...document.querySelectorAll("audio")];
  return players.length > 0 && players.every((audio, i) => audio.duration && heard[i] >= Math.min(HEARD * audio.duration, audio.duration - 0.1));
}

function ready() {
  const may = enough();
  $("answers").querySelectorAll("button").forEach(each => { each.disabled = !may; });
  $("hint").textContent = may ? "" : task.kind === "ab" ? "Listen to both a little before you choose." : "Listen a little before you rate.";
}

async function answer(value) {
  if (!task || !enough()) return;
  const said = { task: task.key, value, heard_s: Math.min(...heard) };
  task = null; // a second click says nothing
  try {
    await ask("rating", said);
    await next();
  } catch (error) {
    trouble(`Your answer was not saved: ${error.message}. Reload the page and try again.`);
  }
}

document.addEventListener("keydown", event => {
  if (!task || event.ctrlKey || event.metaKey || event.altKey || event.target.matches("summary, audio")) return;
  if (event.key === " " && !event.target.matches("button")) {
    event.preventDefault();
    const players = [...document.querySelectorAll("audio")];
    const playing = players.find(audio => !audio.paused);
    if (playing) playing.pause();
    else players[heard.indexOf(Math.min(...heard))].play();
  } else if (task.kind === "mos" && "12345".includes(event.key)) answer(Number(event.key));
  else if (task.kind === "ab" && event.key in { a: 1, 0: 1, b: 1 }) answer({ a: -1, 0: 0, b: 1 }[event.key]);
});

next().catch(error => trouble(`The page cannot be shown: ${error.message}.`));
