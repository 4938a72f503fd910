"use strict";
// Small things that all other parts use. Text is always set as text: what a tag holds is never markup.

const $ = (id) => document.getElementById(id);

function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== "") made.textContent = text;
  return made;
}

function put(id, text) {
  $(id).textContent = text || "";
  $(id).hidden = !text;
}

function clock(seconds, digits = 0) {
  const minutes = Math.floor(seconds / 60), rest = seconds - 60 * minutes;
  const whole = Math.floor(rest), part = digits ? `.${Math.floor((rest - whole) * 10 ** digits)}` : "";
  return `${minutes}:${String(whole).padStart(2, "0")}${part}`;
}

const seconds = (length_s) => `${Number(length_s.toFixed(1))} s`;
const percent = (share) => `${Math.round(100 * share)} %`;

function toneOf(trust) {
  return trust >= 0.8 ? "good" : trust >= 0.5 ? "" : "bad";
}
