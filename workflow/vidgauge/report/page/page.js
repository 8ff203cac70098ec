"use strict";
// Without this script the page shows everything as well: it only sorts, hovers, saves, copies and changes the theme.
(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const theme = () => root.dataset.theme || (dark.matches ? "dark" : "light");
  const coloured = (text) =>
    text.replace(/var\(--([\w-]+)\)/g, (_, name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim());
  const views = new Map();

  function remembered(value) {
    try {
      if (value) localStorage.setItem("vidgauge-theme", value);
      return localStorage.getItem("vidgauge-theme");
    } catch {
      return null; // a browser that keeps nothing
    }
  }
  const before = remembered();
  if (before === "dark" || before === "light") root.dataset.theme = before;

  function say(text) {
    document.getElementById("said").textContent = text;
  }

  function themes() {
    const button = document.getElementById("theme");
    const show = () => {
      button.lastElementChild.textContent = theme() === "dark" ? "Light" : "Dark";
      button.setAttribute("aria-label", `Change to the ${theme() === "dark" ? "light" : "dark"} theme`);
      for (const figure of views.keys()) draw(figure);
    };
    button.hidden = false;
    button.addEventListener("click", () => {
      root.dataset.theme = theme() === "dark" ? "light" : "dark";
      remembered(root.dataset.theme);
      show();
    });
    dark.addEventListener("change", show);
    show();
  }

  // Numbers are sorted within their metric, for those of two metrics do not compare.
  function sorting(table) {
    const body = table.tBodies[0];
    const within = (key) => (["value", "interval", "limit"].includes(key) ? ["line", key] : [key, "line", "rank"]);
    const number = (row, key) => (row.dataset[key] === "" ? NaN : Number(row.dataset[key]));
    function sort(header, ascending) {
      const key = header.dataset.key;
      const compare = (a, b) => {
        for (const one of within(key)) {
          const [x, y] = [number(a, one), number(b, one)];
          if (Number.isNaN(x) !== Number.isNaN(y)) return Number.isNaN(x) ? 1 : -1; // unknown ones last
          if (x !== y && !Number.isNaN(x)) return one === key && !ascending ? y - x : x - y;
        }
        return Number(a.dataset.line) - Number(b.dataset.line);
      };
      body.append(...[...body.rows].sort(compare));
      const grouped = ["line", ...["value", "interval", "limit"]].includes(key);
      table.classList.toggle("grouped", grouped);
      const group = grouped ? "line" : key;
      [...body.rows].forEach((row, at) =>
        row.classList.toggle("first", !at || row.dataset[group] !== body.rows[at - 1].dataset[group])
      );
      for (const other of all("th[data-key]", table)) other.removeAttribute("aria-sort");
      header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    }
    for (const header of all("th[data-key]", table)) {
      header.firstElementChild.addEventListener("click", () => {
        sort(header, header.getAttribute("aria-sort") !== "ascending");
        say(`Sorted by ${header.textContent}, ${header.getAttribute("aria-sort")}`);
      });
    }
    table.classList.add("grouped");
  }

  const live = () => JSON.parse(document.getElementById("live").textContent);
  let data = null;

  async function draw(figure) {
    data ??= live();
    const { spec, datasets, points } = data.maps[Number(figure.dataset.map)];
    const values = points.map(([number, video, start, x, y, distance, nearest]) => ({
      number, start, x, y,
      dataset: datasets[number],
      video: data.videos[video],
      distance: distance === null ? "not known" : distance.toPrecision(3),
      nearest: nearest === null ? "none" : data.videos[nearest],
    }));
    const place = figure.querySelector(".live");
    const themed = JSON.parse(coloured(JSON.stringify(spec)));
    themed.datasets = { points: values };
    views.get(figure)?.finalize();
    views.set(figure, null);
    place.hidden = false;
    figure.querySelector(".still").hidden = true;
    const options = { actions: false, ast: true, renderer: "canvas", defaultStyle: false, tooltip: { disableDefaultStyle: true } };
    const { view } = await vegaEmbed(place, themed, options);
    views.set(figure, view);
    hide(figure);
  }

  function hide(figure) {
    const hidden = all("input:not(:checked)", figure).map((input) => Number(input.dataset.dataset));
    views.get(figure)?.signal("hidden", hidden).run();
  }

  function maps() {
    if (!window.vegaEmbed) return;
    const seen = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        if (isIntersecting && !views.has(target)) draw(target);
      }
    }, { rootMargin: "300px" });
    for (const figure of all("figure.map")) {
      seen.observe(figure);
      figure.addEventListener("change", () => hide(figure));
    }
    for (const hint of all(".scripted")) hint.hidden = false;
  }

  // What stands in a figure, where it stands, as one SVG in the colours of the theme
  async function composed(figure) {
    const frame = figure.getBoundingClientRect();
    const name = "http://www.w3.org/2000/svg";
    const make = (kind, attributes) => {
      const node = document.createElementNS(name, kind);
      for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
      return node;
    };
    const [width, height] = [Math.ceil(frame.width) + 32, Math.ceil(frame.height) + 32];
    const whole = make("svg", { width, height, viewBox: `-16 -16 ${width} ${height}` });
    whole.append(make("rect", { x: -16, y: -16, width, height, fill: "var(--paper)" }));
    for (const node of all("svg, canvas, img, [data-text]", figure)) {
      const box = node.getBoundingClientRect();
      if (!box.width || node.parentElement.closest("svg, .save")) continue;
      const place = { x: box.x - frame.x, y: box.y - frame.y, width: box.width, height: box.height };
      const computed = getComputedStyle(node);
      if (node.tagName === "IMG") {
        whole.append(make("image", { ...place, href: node.src }));
      } else if (node.hasAttribute("data-text")) {
        const size = parseFloat(computed.fontSize);
        const text = make("text", { x: place.x, y: place.y + size, "font-size": size, "font-weight": computed.fontWeight, fill: "var(--ink)" });
        text.textContent = node.textContent;
        whole.append(text);
      } else {
        const view = views.get(figure);
        const drawn = node.tagName === "CANVAS" ? await view.toSVG() : new XMLSerializer().serializeToString(node);
        const copy = new DOMParser().parseFromString(drawn, "image/svg+xml").documentElement;
        for (const [key, value] of Object.entries(place)) copy.setAttribute(key, value);
        copy.removeAttribute("class");
        whole.append(document.importNode(copy, true));
      }
    }
    whole.setAttribute("font-family", "system-ui, sans-serif");
    return { width, height, text: coloured(new XMLSerializer().serializeToString(whole)) };
  }

  function download(blob, name) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  async function save(button) {
    const { width, height, text } = await composed(button.closest("figure"));
    const name = `${document.title.split(" · ")[0]}-${button.dataset.name}`.replace(/[^\p{L}\p{N}_-]+/gu, "-");
    if (button.dataset.save === "svg") return download(new Blob([text], { type: "image/svg+xml" }), `${name}.svg`);
    const image = new Image();
    image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
    await image.decode();
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [2 * width, 2 * height];
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => download(blob, `${name}.png`));
  }

  async function copy(button) {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      getSelection().selectAllChildren(source); // a browser that lets no page write: the reader copies what is marked
      say("The text is selected");
      return;
    }
    say("Copied");
    button.firstChild.textContent = "Copied";
    setTimeout(() => (button.firstChild.textContent = "Copy"), 2000);
  }

  function buttons() {
    for (const node of all(".save, .copy")) node.hidden = false;
    for (const button of all("[data-save]")) button.addEventListener("click", () => save(button));
    for (const button of all("[data-copy]")) button.addEventListener("click", () => copy(button));
  }

  function place() {
    const links = new Map(all("nav a").map((link) => [link.hash.slice(1), link]));
    const seen = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        for (const link of links.values()) link.removeAttribute("aria-current");
        const link = links.get(target.id);
        link.setAttribute("aria-current", "true");
        link.closest("ul").scrollLeft = link.offsetLeft - link.closest("ul").offsetLeft - 40;
      }
    }, { rootMargin: "-20% 0px -75% 0px" });
    for (const section of all("main > section")) seen.observe(section);
  }

  addEventListener("beforeprint", () => all("details:not(:has(pre))").forEach((one) => (one.open = true)));
  addEventListener("DOMContentLoaded", () => {
    all("table.numbers").forEach(sorting);
    themes();
    buttons();
    place();
    maps();
  });
})();
