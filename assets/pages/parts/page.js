// The page: what was chosen, what is heard, the keys.

const batch = JSON.parse($("data").textContent);
const stems = Object.fromEntries(STEMS.map((stem) => [stem, $(stem)]));
let chosen = null, frame = 0;

const player = new Player(stems, changed);
const view = new TrackView((time_s) => player.seek(time_s), (window) => player.playWindow(window));
const strip = new Strip($("strip"), $("spectrogram"), (time_s) => player.seek(time_s));
const list = new TrackList(batch.shown, (track) => choose(track, true));

function choose(track, fromList = false) {
  if (!track) return;
  const playing = chosen && !player.paused;
  chosen = track;
  $("trouble").hidden = true;
  document.body.classList.add("one");
  view.show(track);
  if (track.media) strip.show(track, view.words);
  player.load(track.media);
  list.mark(track);
  document.title = `${track.title} · ${batch.batch}`;
  if (location.hash.slice(1) !== track.id) history[fromList ? "pushState" : "replaceState"](null, "", `#${track.id}`);
  $("track").scrollTop = 0;
  if (narrow.matches) scrollTo(0, 0);
  if (playing) player.play();
}

function changed(what) {
  if (!chosen) return;
  if (what === "error") {
    $("trouble").textContent = "This audio cannot be played: its file is missing, or the browser does not know AAC.";
    $("trouble").hidden = false;
  }
  const playing = !player.paused;
  $("play").classList.toggle("playing", playing);
  $("play").setAttribute("aria-label", playing ? "Pause" : "Play");
  for (const button of $("stems").children) {
    button.disabled = !player.media[button.dataset.stem];
    button.setAttribute("aria-pressed", button.dataset.stem === (player.media[player.wanted] ? player.wanted : "mix"));
  }
  $("loop").setAttribute("aria-pressed", player.looping);
  $("extent").hidden = !player.window;
  for (const { window, button } of view.windows) button.setAttribute("aria-pressed", window === player.window);
  if (player.window) {
    $("extent").style.left = `${(100 * player.window.start_s) / chosen.duration_s}%`;
    $("extent").style.width = `${(100 * (player.window.end_s - player.window.start_s)) / chosen.duration_s}%`;
  }
  draw();
  if (playing && !frame) frame = requestAnimationFrame(tick);
}

// Once a frame, from the clock of the audio itself.
function tick() {
  frame = 0;
  if (player.window) player.step();
  else draw();
  if (!player.paused && !frame) frame = requestAnimationFrame(tick);
}

function draw() {
  if (!chosen?.media) return;
  const time_s = player.time_s;
  strip.draw(time_s, view.follow(time_s));
  $("now").textContent = clock(time_s, 1);
  $("head").style.left = `${(100 * time_s) / chosen.duration_s}%`;
  if (document.activeElement !== $("seek")) $("seek").value = time_s;
  $("seek").setAttribute("aria-valuetext", `${clock(time_s)} of ${clock(chosen.duration_s)}`);
}

function nextWindow() {
  const windows = view.windows.map(({ window }) => window);
  if (windows.length) player.playWindow(windows[(windows.indexOf(player.lastWindow) + 1) % windows.length]);
}

const KEYS = {
  " ": () => player.toggle(),
  ArrowUp: () => choose(list.beside(chosen, -1)),
  ArrowDown: () => choose(list.beside(chosen, 1)),
  ArrowLeft: () => player.seek(player.time_s - 5),
  ArrowRight: () => player.seek(player.time_s + 5),
  1: () => player.hear("mix"),
  2: () => player.hear("vocals"),
  3: () => player.hear("accompaniment"),
  w: nextWindow,
  l: loop,
  "/": () => $("search").focus(),
  "?": () => $("help").showModal(),
};

addEventListener("keydown", (event) => {
  const at = event.target, typing = at.matches("input[type=search], select");
  if (typing && event.key === "Escape") at.blur();
  if (typing || $("help").open || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === " " && at.matches("button")) return; // a button that has the focus is what space presses
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

// After a click the keys are the page's again.
document.addEventListener("click", (event) => event.detail && event.target.closest("button")?.blur());

function loop() {
  player.looping = !player.looping;
  changed();
}

const narrow = matchMedia("(max-width: 820px)");
const hashed = () => batch.shown.find((track) => track.id === location.hash.slice(1));
addEventListener("popstate", () => {
  const track = hashed();
  if (track && track !== chosen) choose(track);
  document.body.classList.toggle("one", Boolean(track));
});

for (const stem of STEMS) {
  const button = element("button", "", STEM_NAMES[stem]);
  button.dataset.stem = stem;
  button.addEventListener("click", () => player.hear(stem));
  $("stems").append(button);
}
$("skip").addEventListener("click", (event) => {
  event.preventDefault();
  $("track").focus();
});
$("play").addEventListener("click", () => player.toggle());
$("previous").addEventListener("click", () => choose(list.beside(chosen, -1)));
$("next").addEventListener("click", () => choose(list.beside(chosen, 1)));
$("loop").addEventListener("click", loop);
$("seek").addEventListener("input", () => player.seek(Number($("seek").value)));
$("help-open").addEventListener("click", () => $("help").showModal());
$("back").addEventListener("click", () => {
  player.pause();
  document.body.classList.remove("one");
  history.pushState(null, "", location.pathname + location.search);
});
$("fate-original").addEventListener("click", () => choose(batch.shown.find((track) => track.id === chosen.duplicate_of)));

$("batch").textContent = batch.batch;
const left = batch.tracks - batch.shown.length;
$("summary").textContent = left > 0
  ? `${batch.shown.length} of ${batch.tracks} tracks are here: some evenly through the batch, and all that are not ok`
  : `${batch.tracks} tracks`;
if (hashed()) choose(hashed());
else if (!narrow.matches) choose(list.visible[0]);
