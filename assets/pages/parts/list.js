// The list of tracks: search, filter, sort.

const KINDS = [["", "All"], ["sung", "Sung"], ["instrumental", "Instrumental"], ["rejected", "Rejected"], ["failed", "Failed"]];
const COMPARE = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" }).compare;
const ORDERS = {
  name: (a, b) => COMPARE(a.title, b.title),
  least: (a, b) => (a.trust ?? 2) - (b.trust ?? 2),
  most: (a, b) => (b.trust ?? -1) - (a.trust ?? -1),
  longest: (a, b) => (b.duration_s ?? -1) - (a.duration_s ?? -1),
  shortest: (a, b) => (a.duration_s ?? Infinity) - (b.duration_s ?? Infinity),
};

class TrackList {
  constructor(tracks, choose) {
    this.kind = "";
    this.visible = [];
    this.items = tracks.map((track) => {
      const item = element("li"), button = element("button");
      const [mark, tone] = markOf(track);
      button.append(
        element("span", "name", track.title), element("span", `mark ${tone}`, mark),
        element("span", "under", track.artist || track.genre || ""), element("span", "long", track.duration_s ? clock(track.duration_s) : ""),
      );
      button.addEventListener("click", () => choose(track));
      item.append(button);
      const words = track.lines.map((line) => line.text).join(" ");
      const haystack = [track.title, track.artist, track.file, track.genre, words, track.id].join("\n").toLowerCase();
      return { track, item, button, haystack };
    });
    for (const [kind, name] of KINDS) {
      const count = tracks.filter((track) => !kind || track.kind === kind).length;
      if (kind && !count) continue;
      const button = element("button", "", name);
      button.append(element("span", "", count));
      button.dataset.kind = kind;
      button.addEventListener("click", () => { this.kind = kind; this.show(); });
      $("kinds").append(button);
    }
    $("search").addEventListener("input", () => this.show());
    $("origin").addEventListener("change", () => this.show());
    $("sort").addEventListener("change", () => this.show());
    this.show();
  }

  show() {
    const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const origin = $("origin").value;
    for (const button of $("kinds").children) button.setAttribute("aria-pressed", button.dataset.kind === this.kind);
    const found = this.items.filter(({ track, haystack }) =>
      (!this.kind || track.kind === this.kind) && (!origin || track.origin === origin) && words.every((word) => haystack.includes(word)));
    const order = ORDERS[$("sort").value];
    found.sort((a, b) => order(a.track, b.track) || COMPARE(a.track.title, b.track.title));
    $("list").replaceChildren(...found.map(({ item }) => item));
    this.visible = found.map(({ track }) => track);
    $("count").textContent = found.length === this.items.length ? `${found.length} tracks` : `${found.length} of ${this.items.length} tracks`;
  }

  mark(track) {
    for (const { track: other, button } of this.items) {
      if (other === track) {
        button.setAttribute("aria-current", "true");
        if (button.isConnected && button.offsetParent) button.scrollIntoView({ block: "nearest" });
      } else button.removeAttribute("aria-current");
    }
  }

  beside(track, step) {
    const at = this.visible.indexOf(track);
    return this.visible[at < 0 ? 0 : at + step];
  }
}

function markOf(track) {
  if (track.kind === "rejected") return ["rejected", "doubt"];
  if (track.kind === "failed") return ["failed", "bad"];
  if (track.trust === null) return ["instrumental", "faint"];
  return [percent(track.trust), toneOf(track.trust)];
}
