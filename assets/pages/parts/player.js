// The three recordings of a track (mix, vocals, accompaniment), of which one is heard at a time.

const STEMS = ["mix", "vocals", "accompaniment"];
const CLOSE_S = 0.02; // so near two recordings are brought before the ear goes from one to the other
const SEEN_CLOCK_MS = 400; // longest wait for a recording's clock to move

class Player {
  constructor(elements, changed) {
    this.audio = elements;
    this.changed = changed;
    this.media = {};
    this.wanted = "mix"; // what the listener asked for; kept from track to track
    this.sounding = "mix"; // what is heard
    this.turn = 0;
    this.window = null; // where it will stop, or turn back
    this.lastWindow = null;
    this.looping = false;
    for (const element of Object.values(elements)) {
      for (const event of ["play", "pause", "seeked", "ended", "timeupdate", "loadedmetadata"]) {
        element.addEventListener(event, () => element === this.now && this.step());
      }
      element.addEventListener("error", () => element === this.now && element.getAttribute("src") && changed("error"));
    }
  }

  get now() { return this.audio[this.sounding]; }
  get time_s() { return this.now.currentTime; }
  get paused() { return this.now.paused; }

  load(media) {
    this.turn += 1;
    this.window = null;
    this.media = media || {};
    for (const stem of STEMS) {
      const element = this.audio[stem];
      element.pause();
      element.muted = false;
      element.preload = "none";
      if (this.media[stem]) element.src = this.media[stem];
      else element.removeAttribute("src");
      element.load();
    }
    this.sounding = this.media[this.wanted] ? this.wanted : "mix";
    if (this.media.mix) this.now.preload = "auto";
    this.changed();
  }

  async play() {
    if (!this.media.mix) return;
    if (this.now.ended) this.now.currentTime = 0;
    try {
      await this.now.play();
      for (const stem of STEMS) if (this.media[stem]) this.audio[stem].preload = "auto";
    } catch {
      // Refused until the listener does something, or another track was chosen meanwhile: the button shows it.
    }
    this.changed();
  }

  pause() {
    for (const element of Object.values(this.audio)) element.pause();
    this.changed();
  }

  toggle() { return this.paused ? this.play() : this.pause(); }

  seek(time_s, window = null) {
    this.window = window;
    this.now.currentTime = Math.max(0, Math.min(time_s, this.now.duration || time_s));
    this.step();
  }

  playWindow(window) {
    this.lastWindow = window;
    this.seek(window.start_s, window);
    return this.play();
  }

  // Once a frame while it plays, and at every event of the element that is heard.
  step() {
    const time_s = this.time_s;
    if (this.window && !this.paused && !this.now.seeking && time_s >= this.window.end_s) {
      if (this.looping) this.now.currentTime = this.window.start_s;
      else {
        this.pause();
        this.window = null;
      }
    }
    this.changed();
  }

  // The old recording is heard until the new one plays at the same place, so there is no gap.
  async hear(stem) {
    if (!this.media[stem]) return;
    this.wanted = stem;
    const turn = ++this.turn;
    this.changed();
    const from = this.now, to = this.audio[stem];
    if (from === to) return;
    to.preload = "auto";
    to.muted = true;
    to.currentTime = from.currentTime;
    if (!from.paused) {
      await to.play().catch(() => {});
      let lead_s = 0;
      for (let tries = 0; tries < 4 && turn === this.turn && !from.paused; tries += 1) {
        await clockRuns(to);
        const late_s = from.currentTime - to.currentTime;
        if (Math.abs(late_s) < CLOSE_S) break;
        lead_s += late_s; // what it costs to get there
        to.currentTime = from.currentTime + lead_s;
      }
    }
    if (turn !== this.turn) {
      if (to !== this.now) to.pause();
      return;
    }
    if (from.paused) {
      to.pause();
      to.currentTime = from.currentTime;
    }
    to.muted = false;
    this.sounding = stem;
    from.muted = true;
    from.pause();
    this.changed();
  }
}

function clockRuns(element) {
  const start_s = element.currentTime, deadline = performance.now() + SEEN_CLOCK_MS;
  return new Promise((done) => {
    const look = () => {
      const moved = !element.seeking && element.readyState > 2 && element.currentTime > start_s;
      if (moved || element.paused || performance.now() > deadline) done();
      else setTimeout(look, 4);
    };
    look();
  });
}
