"use strict";
// Draws the map and puts the pictures in. Names reach the page as text, never as markup.
(() => {
  const data = JSON.parse(document.getElementById("report-data").textContent);

  for (const image of document.querySelectorAll("img[data-picture]")) {
    const uri = data.pictures[image.dataset.picture];
    if (uri) image.src = uri;
  }

  // Okabe and Ito's colours, which the colour-blind tell apart, and four more for long legends.
  const DISTINCT = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9",
    "#b8a800", "#7b4b94", "#6b8e23", "#8c564b", "#17808a", "#555555"];
  const RAMP_LOW = [214, 226, 240], RAMP_HIGH = [8, 48, 107];
  const NONE = "#b9c1c7";

  const canvas = document.getElementById("map-canvas");
  const frame = document.getElementById("map-frame");
  const tip = document.getElementById("map-tip");
  const legend = document.getElementById("map-legend");
  const pick = (name) => document.getElementById(`map-${name}`);
  const brush = canvas.getContext("2d");
  const view = { zoom: 1, x: 0.5, y: 0.5 };
  let only = -1, pointed = -1, waiting = false;

  const addOption = (select, text, value) => {
    const option = document.createElement("option");
    option.textContent = text;
    option.value = value;
    select.append(option);
  };
  data.layouts.forEach((layout, n) => addOption(pick("layout"), layout.title, n));
  addOption(pick("colour"), "nothing", -1);
  data.colourings.forEach((colouring, n) => addOption(pick("colour"), colouring.title, n));
  if (data.colourings.length) pick("colour").value = "0";

  const layout = () => data.layouts[Number(pick("layout").value)];
  const colouring = () => data.colourings[Number(pick("colour").value)];

  const colourOf = (colouring, code) => {
    if (code < 0) return NONE;
    if (!colouring.ordered) return DISTINCT[code % DISTINCT.length];
    const share = code / Math.max(colouring.values.length - 1, 1);
    const mixed = RAMP_LOW.map((low, n) => Math.round(low + share * (RAMP_HIGH[n] - low)));
    return `rgb(${mixed.join(",")})`;
  };

  const pictures = data.products.map((product) => {
    const uri = data.pictures[product.position];
    if (!uri) return null;
    const image = new Image();
    image.onload = () => draw();
    image.src = uri;
    return image;
  });

  // The side of the square that the whole map takes, with a rim for the pictures at the edge.
  const side = () => 0.92 * Math.min(canvas.clientWidth, canvas.clientHeight) * view.zoom;
  const wide = () => Math.max(1, canvas.clientWidth / canvas.clientHeight);
  const onScreen = ([x, y]) => [
    canvas.clientWidth / 2 + (x - view.x) * side() * stretch(),
    canvas.clientHeight / 2 - (y - view.y) * side(),
  ];
  // A wide frame is filled: axes have no unit that this could falsify.
  const stretch = () => Math.min(wide(), 1.5);
  const pictureHeight = () => {
    const each = side() * Math.sqrt(stretch() / Math.max(data.products.length, 1));
    return Math.max(14, Math.min(110, each * 0.8));
  };

  const draw = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; drawNow(); });
  };

  const drawNow = () => {
    const density = window.devicePixelRatio || 1;
    const width = Math.round(canvas.clientWidth * density);
    const height = Math.round(canvas.clientHeight * density);
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    brush.setTransform(density, 0, 0, density, 0, 0);
    brush.clearRect(0, 0, width, height);
    const places = layout().places, shade = colouring();
    const asDots = pick("style").value === "dots";
    const tall = pictureHeight();
    const order = data.products.map((_, n) => n);
    // What is picked out lies above what is faded.
    if (shade && only >= 0) order.sort((a, b) => (shade.codes[a] === only) - (shade.codes[b] === only));
    if (pointed >= 0) order.push(pointed);
    for (const n of order) {
      const code = shade ? shade.codes[n] : -1;
      const [x, y] = onScreen(places[n]);
      if (x < -99 || y < -99 || x > canvas.clientWidth + 99 || y > canvas.clientHeight + 99) continue;
      brush.globalAlpha = only >= 0 && code !== only ? 0.08 : 1;
      brush.fillStyle = shade ? colourOf(shade, code) : "#2a6f97";
      const image = pictures[n];
      if (asDots || !image || !image.complete || !image.naturalWidth) {
        brush.beginPath();
        brush.arc(x, y, n === pointed ? 8 : Math.max(3.5, tall / 7), 0, 7);
        brush.fill();
        continue;
      }
      const h = n === pointed ? tall * 1.25 : tall;
      const w = h * image.naturalWidth / image.naturalHeight;
      const rim = shade ? Math.max(1.5, h / 22) : 0;
      brush.fillRect(x - w / 2 - rim, y - h / 2 - rim, w + 2 * rim, h + 2 * rim);
      brush.drawImage(image, x - w / 2, y - h / 2, w, h);
    }
    brush.globalAlpha = 1;
  };

  const drawLegend = () => {
    legend.replaceChildren();
    const shade = colouring();
    if (!shade) return;
    const entries = shade.values.map((value, code) => [value, code]);
    if (shade.codes.includes(-1)) entries.push(["none", -1]);
    for (const [value, code] of entries) {
      const button = document.createElement("button");
      const mark = document.createElement("i");
      const name = document.createElement("bdi");
      mark.style.background = colourOf(shade, code);
      name.textContent = `${value} (${shade.codes.filter((c) => c === code).length})`;
      button.type = "button";
      button.disabled = code < 0;
      button.setAttribute("aria-pressed", String(code === only && code >= 0));
      button.append(mark, name);
      button.onclick = () => { only = only === code ? -1 : code; drawLegend(); draw(); };
      legend.append(button);
    }
  };

  const showTip = (event) => {
    const box = canvas.getBoundingClientRect();
    const mouse = [event.clientX - box.left, event.clientY - box.top];
    let best = -1, least = Math.max(12, pictureHeight() / 2);
    layout().places.forEach((place, n) => {
      const [x, y] = onScreen(place);
      const away = Math.hypot(x - mouse[0], y - mouse[1]);
      const hidden = only >= 0 && colouring() && colouring().codes[n] !== only;
      if (away <= least && !hidden) { best = n; least = away; }
    });
    if (best !== pointed) { pointed = best; draw(); }
    tip.hidden = best < 0;
    if (best < 0) return;
    const product = data.products[best], shade = colouring();
    const line = (kind, text) => {
      const element = document.createElement("span");
      element.className = kind;
      element.textContent = text;
      return element;
    };
    tip.replaceChildren();
    const uri = data.pictures[product.position];
    if (uri) {
      const image = document.createElement("img");
      image.src = uri;
      tip.append(image);
    }
    tip.append(line("name", product.name), line("id", product.id));
    if (shade) {
      const code = shade.codes[best];
      tip.append(line("id", `${shade.title}: ${code < 0 ? "none" : shade.values[code]}`));
    }
    const left = mouse[0] + 230 > box.width ? mouse[0] - 225 : mouse[0] + 15;
    tip.style.left = `${Math.max(0, left)}px`;
    tip.style.top = `${Math.max(0, Math.min(mouse[1] - 40, box.height - tip.offsetHeight - 5))}px`;
  };

  let dragged = null;
  canvas.addEventListener("pointerdown", (event) => {
    dragged = [event.clientX, event.clientY];
    canvas.setPointerCapture(event.pointerId);
    tip.hidden = true;
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!dragged) { showTip(event); return; }
    view.x -= (event.clientX - dragged[0]) / (side() * stretch());
    view.y += (event.clientY - dragged[1]) / side();
    dragged = [event.clientX, event.clientY];
    draw();
  });
  canvas.addEventListener("pointerup", () => { dragged = null; });
  canvas.addEventListener("pointerleave", () => { pointed = -1; tip.hidden = true; draw(); });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const box = canvas.getBoundingClientRect();
    const dx = event.clientX - box.left - box.width / 2;
    const dy = event.clientY - box.top - box.height / 2;
    const before = side();
    view.zoom = Math.max(0.5, Math.min(40, view.zoom * Math.exp(-event.deltaY / 500)));
    // What lies under the pointer stays there.
    view.x += dx / stretch() * (1 / before - 1 / side());
    view.y -= dy * (1 / before - 1 / side());
    tip.hidden = true;
    draw();
  }, { passive: false });

  const reset = () => { Object.assign(view, { zoom: 1, x: 0.5, y: 0.5 }); draw(); };
  const relayout = () => { pick("hint").textContent = layout().hint; reset(); };
  pick("layout").onchange = relayout;
  pick("colour").onchange = () => { only = -1; drawLegend(); draw(); };
  pick("style").onchange = draw;
  pick("reset").onclick = reset;
  new ResizeObserver(draw).observe(frame);
  relayout();
  drawLegend();
})();
