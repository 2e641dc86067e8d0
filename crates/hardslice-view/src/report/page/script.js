'use strict';

// Ledgers: sort by a column's button, filter by text and by one column's values.
for (const ledger of document.querySelectorAll('.ledger')) {
  const tools = ledger.querySelector('.tools');
  const [text, choice, said] = ['input', 'select', 'output'].map(name => tools.querySelector(name));
  const body = ledger.querySelector('tbody');
  const rows = [...body.rows];
  const place = Number(ledger.dataset.choice);

  const filter = () => {
    const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const content = row.textContent.toLowerCase();
      const fits = words.every(word => content.includes(word));
      row.hidden = !fits || (choice.value !== '' && row.cells[place].textContent !== choice.value);
      shown += row.hidden ? 0 : 1;
    }
    said.textContent = `${shown} of ${rows.length} rows`;
  };

  const sort = (column, head, heads) => {
    const ascending = head.getAttribute('aria-sort') !== 'ascending';
    for (const other of heads) other.removeAttribute('aria-sort');
    head.setAttribute('aria-sort', ascending ? 'ascending' : 'descending');
    const isNumber = head.classList.contains('n');
    const key = row => {
      const content = row.cells[column].textContent;
      if (!isNumber) return content;
      const number = parseFloat(content.replace('\u2212', '-').replace('<', ''));
      return number;
    };
    const keyed = rows.map((row, i) => [key(row), i, row]);
    // Rows without a number stay below in either direction.
    keyed.sort(([a, i], [b, j]) => {
      if (isNumber && (isNaN(a) || isNaN(b))) return isNaN(a) - isNaN(b) || i - j;
      const order = isNumber ? a - b : a.localeCompare(b, 'en', { numeric: true });
      return (ascending ? order : -order) || i - j;
    });
    body.append(...keyed.map(entry => entry[2]));
  };

  const heads = [...ledger.querySelectorAll('thead th')];
  heads.forEach((head, column) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = head.textContent;
    button.addEventListener('click', () => sort(column, head, heads));
    head.replaceChildren(button);
  });
  text.addEventListener('input', filter);
  choice.addEventListener('change', filter);
  tools.addEventListener('submit', event => event.preventDefault());
  tools.hidden = false;
  filter();
}

// Surfaces: a small renderer in software, so that no graphics card is needed. The picture's axes and
// light are those of the stills.
const SIDE = 480;
const HOME = [30, 15];

function decode(model, ramp) {
  const bytes = Uint8Array.from(atob(model.dataset.mesh), letter => letter.charCodeAt(0));
  const n = Number(model.dataset.vertices);
  const m = Number(model.dataset.triangles);
  const view = new DataView(bytes.buffer);
  const places = Float32Array.from({ length: 3 * n }, (_, i) => view.getUint16(2 * i, true) / 32767.5 - 1);
  const corners = Uint16Array.from({ length: 3 * m }, (_, i) => view.getUint16(6 * n + 2 * i, true));
  const normals = new Float32Array(3 * n);
  for (let t = 0; t < corners.length; t += 3) {
    const [a, b, c] = [3 * corners[t], 3 * corners[t + 1], 3 * corners[t + 2]];
    const p = [0, 1, 2].map(k => places[b + k] - places[a + k]);
    const q = [0, 1, 2].map(k => places[c + k] - places[a + k]);
    for (const corner of [a, b, c]) {
      normals[corner] += p[1] * q[2] - p[2] * q[1];
      normals[corner + 1] += p[2] * q[0] - p[0] * q[2];
      normals[corner + 2] += p[0] * q[1] - p[1] * q[0];
    }
  }
  for (let i = 0; i < 3 * n; i += 3) {
    const length = Math.hypot(normals[i], normals[i + 1], normals[i + 2]) || 1;
    for (let k = 0; k < 3; k++) normals[i + k] /= length;
  }
  const plain = model.parentElement.firstElementChild === model;
  const colours = new Float32Array(3 * n);
  for (let i = 0; i < n; i++) {
    const at = bytes[6 * n + 6 * m + i] / 255 * (ramp.length - 1);
    const low = Math.min(Math.floor(at), ramp.length - 2);
    for (let k = 0; k < 3; k++) {
      colours[3 * i + k] = plain ? 214 : ramp[low][k] + (at - low) * (ramp[low + 1][k] - ramp[low][k]);
    }
  }
  return { n, places, corners, normals, colours };
}

function draw(canvas, mesh, [yaw, pitch]) {
  const [sy, cy] = [Math.sin(yaw * Math.PI / 180), Math.cos(yaw * Math.PI / 180)];
  const [sp, cp] = [Math.sin(pitch * Math.PI / 180), Math.cos(pitch * Math.PI / 180)];
  const right = [-cy, sy, 0];
  const up = [-sy * sp, -cy * sp, cp];
  const near = [sy * cp, cy * cp, sp];
  const scale = SIDE / 2.08;
  const { n, places, corners, normals, colours } = mesh;
  const seen = new Float32Array(6 * n);
  for (let i = 0, o = 0; i < 3 * n; i += 3, o += 6) {
    const [x, y, z] = [places[i], places[i + 1], places[i + 2]];
    seen[o] = SIDE / 2 + scale * (right[0] * x + right[1] * y);
    seen[o + 1] = SIDE / 2 - scale * (up[0] * x + up[1] * y + up[2] * z);
    seen[o + 2] = near[0] * x + near[1] * y + near[2] * z;
    const facing = near[0] * normals[i] + near[1] * normals[i + 1] + near[2] * normals[i + 2];
    const light = 0.42 + 0.58 * Math.max(0, facing);
    for (let k = 0; k < 3; k++) seen[o + 3 + k] = light * colours[i + k];
  }
  const context = canvas.getContext('2d');
  const image = context.createImageData(SIDE, SIDE);
  const depths = new Float32Array(SIDE * SIDE).fill(-9);
  for (let t = 0; t < corners.length; t += 3) {
    fill(image.data, depths, seen, 6 * corners[t], 6 * corners[t + 1], 6 * corners[t + 2]);
  }
  context.putImageData(image, 0, 0);
  letters(context, [right, up, near], scale);
}

function fill(pixels, depths, s, a, b, c) {
  const doubled = (s[b] - s[a]) * (s[c + 1] - s[a + 1]) - (s[c] - s[a]) * (s[b + 1] - s[a + 1]);
  if (doubled >= 0) return;
  const low = k => Math.max(0, Math.ceil(Math.min(s[a + k], s[b + k], s[c + k]) - 0.5));
  const high = k => Math.min(SIDE - 1, Math.floor(Math.max(s[a + k], s[b + k], s[c + k]) - 0.5));
  const [left, end, bottom] = [low(0), high(0), high(1)];
  for (let row = low(1); row <= bottom; row++) {
    for (let column = left; column <= end; column++) {
      const [x, y] = [column + 0.5, row + 0.5];
      const ofA = ((s[b] - x) * (s[c + 1] - y) - (s[c] - x) * (s[b + 1] - y)) / doubled;
      const ofB = ((s[c] - x) * (s[a + 1] - y) - (s[a] - x) * (s[c + 1] - y)) / doubled;
      const ofC = 1 - ofA - ofB;
      if (ofA < 0 || ofB < 0 || ofC < 0) continue;
      const depth = ofA * s[a + 2] + ofB * s[b + 2] + ofC * s[c + 2];
      const at = row * SIDE + column;
      if (depth <= depths[at]) continue;
      depths[at] = depth;
      for (let k = 3; k < 6; k++) pixels[4 * at + k - 3] = ofA * s[a + k] + ofB * s[b + k] + ofC * s[c + k];
      pixels[4 * at + 3] = 255;
    }
  }
}

// The patient's axes in a corner: right, front and head.
function letters(context, [right, up, near], scale) {
  const [x, y, length] = [44, SIDE - 44, scale * 0.11];
  context.font = '600 20px system-ui, sans-serif';
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.lineWidth = 2;
  context.strokeStyle = context.fillStyle = getComputedStyle(context.canvas).color;
  ['R', 'A', 'H'].forEach((letter, axis) => {
    const [dx, dy] = [right[axis], -up[axis]];
    context.globalAlpha = near[axis] < -0.3 ? 0.45 : 0.85;
    context.beginPath();
    context.moveTo(x, y);
    context.lineTo(x + dx * length, y + dy * length);
    context.stroke();
    context.fillText(letter, x + dx * length * 1.5, y + dy * length * 1.5);
  });
  context.globalAlpha = 1;
}

for (const table of document.querySelectorAll('.turntable')) {
  const ramp = table.dataset.ramp.split(',').map(css => [1, 3, 5].map(i => parseInt(css.slice(i, i + 2), 16)));
  const models = [...table.querySelectorAll('[data-mesh]')];
  const canvases = models.map(model => {
    const image = model.querySelector('img');
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = SIDE;
    canvas.setAttribute('role', 'img');
    canvas.setAttribute('aria-label', image.alt);
    image.replaceWith(canvas);
    return canvas;
  });
  let meshes = null;
  let view = [...HOME];
  let waits = false;
  const redraw = () => {
    if (waits) return;
    waits = true;
    requestAnimationFrame(() => {
      waits = false;
      meshes ??= models.map(model => decode(model, ramp));
      canvases.forEach((canvas, i) => draw(canvas, meshes[i], view));
      table.dataset.view = view.map(Math.round).join(',');
    });
  };
  const turn = (yaw, pitch) => {
    view = [(view[0] + yaw + 540) % 360 - 180, Math.max(-90, Math.min(90, view[1] + pitch))];
    redraw();
  };
  const KEYS = { ArrowLeft: [-10, 0], ArrowRight: [10, 0], ArrowUp: [0, -10], ArrowDown: [0, 10] };
  table.addEventListener('keydown', event => {
    if (event.key === 'Home') { view = [...HOME]; redraw(); }
    else if (KEYS[event.key]) turn(...KEYS[event.key]);
    else return;
    event.preventDefault();
  });
  for (const button of table.querySelectorAll('button')) {
    button.addEventListener('click', () => {
      if (button.dataset.turn) turn(...button.dataset.turn.split(',').map(Number));
      else { view = [0, 0]; redraw(); }
    });
  }
  for (const canvas of canvases) {
    canvas.addEventListener('pointerdown', event => canvas.setPointerCapture(event.pointerId));
    canvas.addEventListener('pointermove', event => {
      if (event.buttons & 1) turn(event.movementX * 0.6, event.movementY * 0.6);
    });
  }
  // Decoding waits until the surfaces come near the window.
  const nearby = new IntersectionObserver(entries => {
    if (entries.some(entry => entry.isIntersecting)) { nearby.disconnect(); redraw(); }
  }, { rootMargin: '600px' });
  nearby.observe(table);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => meshes && redraw());
  table.querySelector('.tools').hidden = models.length === 0;
}
