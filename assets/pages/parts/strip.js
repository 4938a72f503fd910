// The stretch around the playhead: spectrogram, and under it the words at their times.

const PICTURE_PX = 128, ROW_PX = 24, ROWS = 3, GAP_PX = 8;
const PLAYHEAD = 0.35; // of the width: more of what comes than of what was

class Strip {
  constructor(canvas, image, seek) {
    this.canvas = canvas;
    this.image = image;
    this.words = [];
    this.track = null;
    image.addEventListener("load", () => this.draw());
    new ResizeObserver(() => { this.fit(); this.draw(); }).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { this.fit(); this.draw(); });
    let grip = null;
    canvas.addEventListener("pointerdown", (event) => {
      grip = { x: event.clientX, time_s: this.time_s, moved: false };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (!grip || (!grip.moved && Math.abs(event.clientX - grip.x) < 5)) return;
      grip.moved = true;
      seek(grip.time_s - (event.clientX - grip.x) / this.px_per_s);
    });
    canvas.addEventListener("pointerup", (event) => {
      if (grip && !grip.moved) seek(this.time_s + (event.offsetX - this.width * PLAYHEAD) / this.px_per_s);
      grip = null;
    });
    canvas.addEventListener("pointercancel", () => { grip = null; });
  }

  show(track, words) {
    this.track = track;
    this.time_s = 0;
    this.words = words.map((word) => ({ ...word, row: 0 }));
    this.canvas.classList.toggle("wordless", !words.length);
    this.fit();
  }

  // The canvas in the screen's own pixels, today's colours, and a row for each word so that none covers another.
  fit() {
    const ratio = devicePixelRatio || 1, box = this.canvas.getBoundingClientRect();
    this.width = box.width;
    this.height = box.height;
    this.canvas.width = Math.round(box.width * ratio);
    this.canvas.height = Math.round(box.height * ratio);
    this.px_per_s = box.width < 600 ? 80 : 120;
    const style = getComputedStyle(document.documentElement);
    this.colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const pen = (this.pen = this.canvas.getContext("2d"));
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.font = (bold) => `${bold ? 600 : 500} 15px ${style.fontFamily}`;
    pen.font = this.font(true);
    const ends = Array(ROWS).fill(-Infinity);
    for (const word of this.words) {
      word.left = word.start_s * this.px_per_s;
      word.width = Math.max(pen.measureText(word.text).width + 10, (word.end_s - word.start_s) * this.px_per_s);
      const free = ends.findIndex((end) => end + 3 <= word.left);
      word.row = free >= 0 ? free : ends.indexOf(Math.min(...ends));
      ends[word.row] = word.left + word.width;
    }
  }

  draw(time_s = this.time_s, sung = this.sung) {
    this.time_s = time_s;
    this.sung = sung;
    const { pen, width, px_per_s, track } = this;
    if (!track || !width) return;
    const head = width * PLAYHEAD, left_s = time_s - head / px_per_s;
    const x = (seconds) => (seconds - left_s) * px_per_s;
    pen.clearRect(0, 0, width, this.height);
    pen.fillStyle = "#0d1121";
    pen.fillRect(0, 0, width, PICTURE_PX);
    if (this.image.complete && this.image.naturalWidth) {
      const per_s = track.columns_per_s;
      pen.drawImage(this.image, left_s * per_s, 0, (width / px_per_s) * per_s, this.image.naturalHeight, 0, 0, width, PICTURE_PX);
    }
    pen.fillStyle = "#ffd27a";
    for (const [start_s, end_s] of track.singing) pen.fillRect(x(start_s), PICTURE_PX - 3, (end_s - start_s) * px_per_s, 3);
    for (let i = 0; i < this.words.length; i += 1) {
      const word = this.words[i], from = word.left - left_s * px_per_s;
      if (from > width) break;
      if (from + word.width < 0) continue;
      this.drawWord(word, from, i === sung);
    }
    pen.fillStyle = "rgb(255 255 255 / .9)";
    pen.fillRect(head - 1, 0, 2, PICTURE_PX);
  }

  drawWord(word, left, sung) {
    const { pen } = this, top = PICTURE_PX + GAP_PX + word.row * ROW_PX, sung_px = (word.end_s - word.start_s) * this.px_per_s;
    pen.fillStyle = this.colour(sung ? "accent" : "wash");
    pen.beginPath();
    pen.roundRect(left, top, sung ? word.width : sung_px, ROW_PX - 3, 5);
    pen.fill();
    pen.fillStyle = this.colour(sung ? "on-accent" : "text");
    pen.font = this.font(sung);
    pen.textBaseline = "middle";
    pen.fillText(word.text, left + 5, top + (ROW_PX - 3) / 2 + 1);
  }
}
