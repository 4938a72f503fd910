// The chosen track: what is known of it, its windows, its lyrics.

const UNSURE = 0.5; // a word trusted less than this is shown so
const HELD_MS = 3000; // so long the lyrics stay where the listener scrolled them
const STEM_NAMES = { mix: "Mix", vocals: "Vocals", accompaniment: "Accompaniment" };

class TrackView {
  constructor(seek, playWindow) {
    this.seek = seek;
    this.playWindow = playWindow;
    this.heldUntil = 0;
    this.windows = [];
    for (const event of ["wheel", "touchmove"]) {
      $("lyrics").addEventListener(event, () => { this.heldUntil = performance.now() + HELD_MS; }, { passive: true });
    }
    $("lyrics").addEventListener("click", (event) => {
      const at = event.target.closest("[data-start]");
      if (at) seek(Number(at.dataset.start));
    });
  }

  show(track) {
    this.track = track;
    $("nothing").hidden = true;
    $("panel").hidden = false;
    $("kind").textContent = kindOf(track);
    $("title").textContent = track.title;
    put("byline", [track.artist, track.file !== track.title && track.file].filter(Boolean).join(" · "));
    put("caption", track.caption);
    $("facts").replaceChildren(...factsOf(track).map(([name, value]) => {
      const fact = element("div");
      fact.append(element("dt", "", name), element("dd", "", value));
      return fact;
    }));
    this.showFate(track.fate, track.duplicate_of);
    $("player").hidden = !track.media;
    this.windows = [];
    if (track.media) this.showPlayer(track);
    this.showLyrics(track);
    this.showTrust(track);
  }

  showFate(fate, original) {
    $("fate").hidden = !fate;
    if (!fate) return;
    $("fate-words").textContent = fate.words;
    put("fate-detail", fate.detail);
    $("fate-stage").textContent = `${fate.status} at ${fate.stage}: ${fate.reason}`;
    $("fate-original").hidden = !original || !document.getElementById("data").textContent.includes(`"id":"${original}"`);
  }

  showPlayer(track) {
    $("length").textContent = clock(track.duration_s);
    $("seek").max = track.duration_s;
    $("spectrogram").src = track.media.spectrogram;
    const share = (seconds) => `${(100 * seconds) / track.duration_s}%`;
    $("singing").replaceChildren(...track.singing.map(([start_s, end_s]) => {
      const bar = element("div");
      bar.style.left = share(start_s);
      bar.style.width = share(end_s - start_s);
      return bar;
    }));
    const lengths = [...new Set(track.windows.map((window) => window.length_s))].sort((a, b) => a - b);
    $("windows").replaceChildren(...lengths.map((length_s) => {
      const row = element("div", "row");
      for (const window of track.windows.filter((other) => other.length_s === length_s).sort((a, b) => a.rank - b.rank)) {
        const what = window.kind === "lyrics" ? `${window.words} words` : "loudest";
        const button = element("button");
        button.append(element("span", "length", seconds(length_s)), element("span", "words", ` · ${what}`));
        button.title = `${clock(window.start_s)} to ${clock(window.end_s)}, ${what}, number ${window.rank} of its length`;
        button.setAttribute("aria-label", `Play window: ${button.title}`);
        button.style.left = share(window.start_s);
        button.style.width = share(window.end_s - window.start_s);
        button.addEventListener("click", () => this.playWindow(window));
        this.windows.push({ window, button });
        row.append(button);
      }
      return row;
    }));
  }

  showLyrics(track) {
    put("no-lyrics", track.lines.length ? "" : track.fate ? "None: it did not come so far." : "Nobody sings here.");
    this.words = [];
    this.lines = track.lines.map((line) => {
      const item = element("li"), at = element("button", "at", clock(line.start_s)), text = element("span", "text");
      at.dataset.start = line.start_s;
      at.setAttribute("aria-label", `Play from ${clock(line.start_s)}`);
      text.dir = "auto";
      const words = line.words.map(([said, start_s, end_s, trust]) => {
        const word = element("span", trust !== null && trust < UNSURE ? "word unsure" : "word", said);
        word.dataset.start = start_s;
        word.title = `${start_s.toFixed(2)} to ${end_s.toFixed(2)} s${trust === null ? "" : `, trusted ${percent(trust)}`}`;
        text.append(word, " ");
        this.words.push({ text: said, start_s, end_s, word, item });
        return word;
      });
      item.append(at, text);
      return { start_s: line.start_s, end_s: line.end_s, item, words };
    });
    this.words.sort((a, b) => a.start_s - b.start_s);
    this.starts = this.words.map((word) => word.start_s);
    this.lineStarts = this.lines.map((line) => line.start_s);
    this.sung = -1;
    this.line = null;
    $("lyrics").replaceChildren(...this.lines.map((line) => line.item));
    $("lyrics").hidden = !this.lines.length;
  }

  showTrust(track) {
    $("trust").hidden = track.trust === null && !track.evidence.length;
    const tone = track.trust === null ? "" : toneOf(track.trust);
    $("trust-head").textContent = track.trust === null ? "What was seen" : "Trust in the word times";
    put("trust-words", track.trust === null ? "" : `${percent(track.trust)}, ${{ good: "high", "": "fair", bad: "low" }[tone]}`);
    $("trust-words").className = $("trust-bar").className = tone;
    $("trust-bar").hidden = track.trust === null;
    $("trust-bar").firstElementChild.style.width = percent(track.trust ?? 0);
    $("evidence").replaceChildren(...track.evidence.map((phrase) => element("li", "", phrase)));
  }

  // Lights up what is sung at this time of the audio; gives the number of the word, -1 where none is sung.
  follow(time_s) {
    const last = lastAtOrBefore(this.starts, time_s);
    const sung = last >= 0 && time_s < this.words[last].end_s ? last : -1;
    const lineAt = lastAtOrBefore(this.lineStarts, time_s);
    const line = lineAt >= 0 && time_s <= this.lines[lineAt].end_s + 2 ? this.lines[lineAt] : null;
    if (line !== this.line) this.turnTo(line);
    if (sung !== this.sung) {
      if (this.sung >= 0) this.words[this.sung].word.classList.remove("sung");
      if (sung >= 0) this.words[sung].word.classList.add("sung");
      this.sung = sung;
    }
    if (line && last !== this.last) {
      for (const word of line.words) word.classList.toggle("past", Number(word.dataset.start) <= time_s);
    }
    this.last = last;
    return sung;
  }

  turnTo(line) {
    if (this.line) {
      this.line.item.classList.remove("current");
      for (const word of this.line.words) word.classList.remove("past");
    }
    this.line = line;
    this.last = null;
    if (!line) return;
    line.item.classList.add("current");
    const pane = $("lyrics");
    if (performance.now() > this.heldUntil) pane.scrollTop = line.item.offsetTop - (pane.clientHeight - line.item.offsetHeight) / 2;
  }
}

function lastAtOrBefore(starts, time_s) {
  let low = 0, high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle] <= time_s) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function kindOf(track) {
  if (track.fate) return track.kind === "failed" ? "Failed" : "Rejected";
  if (!track.lines.length) return "Instrumental";
  return track.origin === "given" ? `Sung · lyrics given${track.given_in ? ` (${track.given_in})` : ""}` : "Sung · lyrics transcribed";
}

function factsOf(track) {
  return [
    ["Tempo", track.tempo_bpm && `${Math.round(track.tempo_bpm)} bpm`],
    ["Key", track.key],
    ["Length", track.duration_s && clock(track.duration_s)],
    ["Language", track.language && languageOf(track.language)],
    ["Genre", track.genre],
    ["In short", track.short_caption],
    ["Tags", track.tags.join(", ")],
    ["Licence", track.license || "not known"],
    ["Split", track.split],
  ].filter(([, value]) => value);
}

function languageOf(code) {
  try {
    return new Intl.DisplayNames("en", { type: "language" }).of(code);
  } catch {
    return code;
  }
}
