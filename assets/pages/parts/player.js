// The three recordings of a track (mix, vocals, accompaniment). All of them play, and one is heard: so to switch is to
// mute one and unmute another, without a gap.

const STEMS = ["mix", "vocals", "accompaniment"];
const CLOSE_S = 0.02; // so near two recordings are brought before the ear goes from one to the other
const APART_S = 0.04; // so far they may drift before they are brought together again
const CLOCK_MS = 400; // longest wait for a recording's clock to run
const LOOK_MS = 500; // how often drift is looked for

class Player {
  constructor(elements, changed) {
    this.audio = elements;
    this.changed = changed;
    this.media = {};
    this.files = [];
    this.direct = location.protocol === "file:" ? true : null; // whether an element can seek in a file by itself
    this.wanted = "mix"; // what the listener asked for; kept from track to track
    this.sounding = "mix"; // what is heard
    this.turn = 0;
    this.aligning = new Map();
    this.lead_s = 0; // what it takes a recording to get to a place
    this.looked = 0;
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
    this.lastWindow = null;
    this.media = media || {};
    this.sounding = this.media[this.wanted] ? this.wanted : "mix";
    for (const element of Object.values(this.audio)) {
      element.pause();
      element.removeAttribute("src");
      element.load();
      element.muted = element !== this.now;
    }
    for (const file of this.files.splice(0)) URL.revokeObjectURL(file);
    this.open(this.sounding);
    this.changed();
  }

  // Gives a recording its file. A server that cannot send a part of a file would make every seek start from the
  // beginning: from such a one the whole file is taken first.
  async open(stem) {
    const element = this.audio[stem], url = this.media[stem], media = this.media;
    if (!url || element.getAttribute("src")) return;
    if (this.direct === null) {
      const answer = await fetch(url, { method: "HEAD" }).catch(() => null);
      this.direct = !answer || answer.headers.get("accept-ranges") === "bytes";
    }
    let file = url;
    if (!this.direct) {
      const blob = await fetch(url).then((answer) => answer.blob()).catch(() => null);
      if (blob) this.files.push((file = URL.createObjectURL(blob)));
    }
    if (media !== this.media || element.getAttribute("src")) return;
    const place_s = element.currentTime;
    element.src = file;
    if (place_s) element.currentTime = place_s;
  }

  async play() {
    const media = this.media;
    if (!media.mix) return;
    if (!this.now.getAttribute("src")) await this.open(this.sounding);
    if (media !== this.media) return;
    if (this.now.ended) this.seek(0);
    try {
      await this.now.play();
      this.followAll();
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
    this.place(Math.max(0, Math.min(time_s, this.now.duration || time_s)));
    this.step();
  }

  playWindow(window) {
    this.lastWindow = window;
    this.seek(window.start_s, window);
    return this.play();
  }

  async hear(stem) {
    if (!this.media[stem]) return;
    this.wanted = stem;
    const turn = ++this.turn;
    this.changed();
    if (stem === this.sounding) return;
    const to = this.audio[stem], playing = !this.paused;
    if (!playing) {
      await this.open(stem);
      to.currentTime = this.time_s;
    } else await this.follow(stem);
    if (turn !== this.turn) return;
    to.muted = false;
    this.now.muted = true;
    this.sounding = stem;
    if (playing && to.paused) await to.play().catch(() => {}); // a browser that plays but one recording at a time
    this.changed();
  }

  // Once a frame while it plays, and at every event of the recording that is heard.
  step() {
    if (this.window && !this.paused && !this.now.seeking && this.time_s >= this.window.end_s) {
      if (this.looping) this.place(this.window.start_s);
      else {
        this.window = null;
        this.pause();
      }
    }
    if (performance.now() > this.looked + LOOK_MS) {
      this.looked = performance.now();
      if (!this.paused) this.followAll();
    }
    this.changed();
  }

  place(time_s) {
    for (const element of Object.values(this.audio)) {
      if (element === this.now || !element.paused) element.currentTime = time_s;
    }
  }

  followAll() {
    for (const stem of STEMS) if (stem !== this.sounding && this.media[stem]) this.follow(stem);
  }

  // Brings a recording that is not heard to where the one is that is.
  follow(stem) {
    const running = this.aligning.get(stem) || this.align(stem).finally(() => this.aligning.delete(stem));
    this.aligning.set(stem, running);
    return running;
  }

  async align(stem) {
    const to = this.audio[stem], media = this.media;
    const late_s = () => this.time_s - to.currentTime;
    if (!to.paused && !to.seeking && Math.abs(late_s()) < APART_S) return;
    await this.open(stem);
    if (media !== this.media || to === this.now) return;
    to.muted = true;
    to.currentTime = this.time_s + this.lead_s;
    await to.play().catch(() => {});
    for (let tries = 0; tries < 5 && media === this.media && !this.paused && !to.paused; tries += 1) {
      await clockRuns(to);
      const behind_s = late_s();
      if (Math.abs(behind_s) < CLOSE_S) break;
      this.lead_s = Math.max(0, Math.min(0.5, this.lead_s + behind_s));
      to.currentTime = this.time_s + this.lead_s;
    }
    if (this.paused || media !== this.media) to.pause();
  }
}

function clockRuns(element) {
  const start_s = element.currentTime, deadline = performance.now() + CLOCK_MS;
  return new Promise((done) => {
    const look = () => {
      const runs = !element.seeking && element.readyState > 2 && element.currentTime > start_s;
      if (runs || element.paused || performance.now() > deadline) done();
      else setTimeout(look, 4);
    };
    look();
  });
}
