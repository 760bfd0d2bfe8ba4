"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const form = document.forms[0].elements;
const canvas = document.querySelector("canvas");
const [width, height, margin] = [720, 520, 24];
const volumes = {};

// Return a volume's bytes, x fastest, from its mosaic of slices.
async function unpack(uri) {
  const image = new Image();
  image.src = uri;
  await image.decode();
  const sheet = new OffscreenCanvas(image.width, image.height).getContext("2d");
  sheet.drawImage(image, 0, 0);
  const [nx, ny, nz] = data.shape;
  const [columns, wide, high] = data.tiles;
  const volume = new Uint8Array(nx * ny * nz);
  const pixels = sheet.getImageData(0, 0, image.width, image.height).data;
  for (let z = 0, to = 0; z < nz; z++)
    for (let y = 0; y < ny; y++) {
      const row = Math.floor(z / columns) * high + y;
      let from = 4 * (row * image.width + (z % columns) * wide);
      for (let x = 0; x < nx; x++, from += 4) volume[to++] = pixels[from];
    }
  return volume;
}

// Return how much of a voxel's grey a layer covers: a mask's border all of it.
function cover(layer, voxel, neighbours) {
  const volume = volumes[layer.name], level = volume[voxel] / 255;
  if (!layer.outlined) return 0.8 * level;
  const border = level && neighbours.some(step => !volume[voxel + step]);
  return border ? 1 : level * form.opacity.value / 100;
}

// Return one slice in colour, laid out as on screen.
function paint(plane, index) {
  const steps = [1, data.shape[0], data.shape[0] * data.shape[1]];
  const [wide, high] = [data.shape[plane.columns], data.shape[plane.rows]];
  const picture = new ImageData(wide, high);
  const grey = volumes[form.sequence.value];
  const shown = data.layers.filter(layer => form[layer.name].checked);
  const [up, left] = [steps[plane.rows], steps[plane.columns]];
  const neighbours = [up, -up, left, -left];
  for (let row = 0, to = 0; row < high; row++)
    for (let column = 0; column < wide; column++, to += 4) {
      const voxel = index * steps[plane.axis] + (high - 1 - row) * up
        + (wide - 1 - column) * left;
      picture.data.fill(grey[voxel], to, to + 3);
      picture.data[to + 3] = 255;
      for (const layer of shown) {
        const share = cover(layer, voxel, neighbours);
        for (let i = 0; i < 3; i++)
          picture.data[to + i] += share * (layer.colour[i] - picture.data[to + i]);
      }
    }
  return picture;
}

function draw() {
  const plane = data.planes[form.plane.value], index = +form.slice.value;
  const picture = paint(plane, index), pen = canvas.getContext("2d");
  const cell = new OffscreenCanvas(picture.width, picture.height);
  cell.getContext("2d").putImageData(picture, 0, 0);
  const longest = Math.max(...data.shape.map((n, axis) => n * data.spacing[axis]));
  const scale = (height - 2 * margin) / longest;
  const wide = picture.width * data.spacing[plane.columns] * scale;
  const high = picture.height * data.spacing[plane.rows] * scale;
  const [left, top] = [(width - wide) / 2, (height - high) / 2];
  pen.fillStyle = "black";
  pen.fillRect(0, 0, width, height);
  pen.drawImage(cell, left, top, wide, high);
  pen.fillStyle = "white";
  pen.font = "bold 16px sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  const edge = margin / 2, places = [[left - edge, height / 2],
    [left + wide + edge, height / 2], [width / 2, top - edge], [width / 2, top + high + edge]];
  places.forEach((place, i) => pen.fillText(plane.sides[i], ...place));
  pen.fillRect(12, height - 14, 50 * scale, 3);
  pen.font = "13px sans-serif";
  pen.fillText("50 mm", 12 + 25 * scale, height - 26);
  const number = data.corner[plane.axis] + index * data.thinned[plane.axis] + 1;
  const text = `${form.plane.value} ${number}/${data.whole[plane.axis]}`;
  document.querySelector("output").textContent = text;
  canvas.setAttribute("aria-label", `${form.sequence.value}, ${text}`);
}

function turn() {
  const plane = data.planes[form.plane.value];
  form.slice.max = data.shape[plane.axis] - 1;
  form.slice.value = data.largest[form.plane.value];
  draw();
}

function step(event, by) {
  event.preventDefault();
  form.slice.value = +form.slice.value + by;
  draw();
}

async function start() {
  [canvas.width, canvas.height] = [width, height];
  const option = name => new Option(name, name);
  form.plane.append(...Object.keys(data.planes).map(option));
  form.sequence.append(...Object.keys(data.sequences).map(option));
  form.sequence.value = data.first;
  for (const layer of data.layers) {
    const label = document.createElement("label"), colour = document.createElement("i");
    const box = Object.assign(document.createElement("input"),
      { type: "checkbox", name: layer.name, checked: layer.outlined });
    colour.style.background = `rgb(${layer.colour})`;
    label.append(box, colour, layer.name);
    document.getElementById("layers").append(label, " ");
    volumes[layer.name] = await unpack(layer.uri);
  }
  for (const [name, uri] of Object.entries(data.sequences)) volumes[name] = await unpack(uri);
  document.getElementById("note").textContent = data.note;
  form.plane.onchange = turn;
  form.sequence.onchange = draw;
  document.querySelectorAll("input").forEach(input => input.oninput = draw);
  canvas.onwheel = event => step(event, event.deltaY < 0 ? 1 : -1);
  canvas.onkeydown = event => {
    const by = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1 }[event.key];
    if (by) step(event, by);
  };
  turn();
}
start();
