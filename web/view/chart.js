// A history as a line: uPlot, in the page's colours, as wide as its place. Drawn anew when the look of the system changes.

import { inUnit } from "../units.js";
import { numberOf } from "./amounts.js";
import { shortDay } from "./time.js";

const HEIGHT = 200; // px
const { uPlot } = globalThis; // vendor/uPlot.iife.min.js

export class Chart {
  element = Object.assign(document.createElement("div"), { className: "chart", dir: "ltr" }); // time goes to the right
  #plot = null;
  #shown = "";
  #unit = "";
  #data = null;

  constructor() {
    new ResizeObserver(() => this.#fit()).observe(this.element);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  /** `values`: oldest first. */
  render(values, unit) {
    const shown = JSON.stringify([unit, values.map(({ id }) => id)]);
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#unit = unit;
    const points = values.map((value) => [Date.parse(value.recordedAt) / 1000, inUnit(value.value, value.unit, unit)]);
    this.#data = [points.map(([at]) => at), points.map(([, value]) => value)];
    this.#draw();
  }

  #draw() {
    this.#plot?.destroy();
    this.#plot = null;
    const width = this.element.clientWidth;
    if (!this.#data?.[0].length || !width) return;
    const style = getComputedStyle(this.element);
    const [soft, line, accent] = ["--soft", "--line", "--accent"].map((name) => style.getPropertyValue(name));
    const axis = { stroke: soft, grid: { stroke: line, width: 1 }, ticks: { show: false }, font: `12px ${style.fontFamily}` };
    const options = {
      width,
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { range: roomy } },
      axes: [{ ...axis, values: (_, times) => times.map(dayAt), space: 70 }, { ...axis, values: (_, numbers) => numbers.map(numberOf), size: 56 }],
      series: [{}, { stroke: accent, width: 2, points: { show: true, size: 7, fill: accent }, label: this.#unit }],
    };
    this.#plot = new uPlot(options, this.#data, this.element);
  }

  #fit() {
    const width = this.element.clientWidth;
    if (this.#plot && width) this.#plot.setSize({ width, height: HEIGHT });
    else this.#draw();
  }
}

/** One value alone stands in the middle of two days. */
function roomy(_, from, to) {
  return from === to ? [from - 86_400, to + 86_400] : [from, to];
}

function dayAt(seconds) {
  return shortDay(new Date(seconds * 1000));
}
