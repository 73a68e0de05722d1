// Icons, drawn as paths on a grid of 24, except the ticks, which are as wide as they need to be.

const PATHS = {
  back: "m15 5-7 7 7 7",
  send: "M5 12h13m-6-7 7 7-7 7",
  down: "M12 5v14m-6-6 6 6 6-6",
  up: "M12 19V5m-6 6 6-6 6 6",
  bin: "M4 7h16M10 7V4h4v3M6 7l1 13h10l1-13M10 11v5m4-5v5",
  pen: "m4 20 1-4L16 5l3 3L8 19zM14 7l3 3",
  plus: "M12 5v14M5 12h14",
  clip: "m8 12 6-6a3.500 3.500 0 0 1 5 5l-8 8a5.500 5.500 0 0 1-8-8l8-8",
  search: "M10.500 4a6.500 6.500 0 1 0 0 13 6.500 6.500 0 0 0 0-13zm4.700 11.200L20 20",
  close: "M6 6l12 12M18 6 6 18",
  bell: "M6 17V11a6 6 0 0 1 12 0v6l2 1H4zm4 3.500a2.200 2.200 0 0 0 4 0",
  play: "M8 5v14l11-7z",
  again: "M4 12a8 8 0 1 1 2.500 5.800M4 12l-2-2.500M4 12l3-1.500",
  body: "M4 19h16M5 15l4-5 4 3 6-8",
  workout: "M3 9v6m3-9v12m12-12v12m3-9v6M6 12h12",
  window: "M14 4h6v6m0-6-9 9M18 14v6H4V6h6",
  clock: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zm0 4v5l3 2",
  tick: "m5 13 4 4L19 7",
  ticks: "m1 13 4 4L15 7m-4 9 1 1L22 7",
  warning: "M12 4 2.500 20h19zM12 10v4m0 3v.010",
};

export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
