/* A short sound for a new waiting conversation, made here: two soft notes. */

const KEY = "shoptalk desk muted";
const NOTES = [
  [660, 0],
  [880, 0.14],
];

export class Sound {
  constructor() {
    this.muted = false;
    this.played = 0;
    try {
      this.muted = localStorage.getItem(KEY) === "1";
    } catch {
      // Storage is off: loud, until muted.
    }
    // Browsers allow sound only after the first touch of the page.
    const wake = () => this.context().resume();
    addEventListener("pointerdown", wake, { once: true });
    addEventListener("keydown", wake, { once: true });
  }

  context() {
    this.audio = this.audio || new AudioContext();
    return this.audio;
  }

  mute(muted) {
    this.muted = muted;
    try {
      localStorage.setItem(KEY, muted ? "1" : "0");
    } catch {
      // It then holds until the page is closed.
    }
  }

  play() {
    if (this.muted) return;
    this.played += 1;
    const audio = this.context();
    for (const [pitch, delay] of NOTES) {
      const start = audio.currentTime + delay;
      const tone = audio.createOscillator();
      const volume = audio.createGain();
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0, start);
      volume.gain.linearRampToValueAtTime(0.12, start + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.001, start + 0.35);
      tone.connect(volume).connect(audio.destination);
      tone.start(start);
      tone.stop(start + 0.4);
    }
  }
}
