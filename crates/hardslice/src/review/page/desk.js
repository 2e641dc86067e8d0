// The review desk. All words that people read stand in WORDS; keys are in KEYS.
'use strict';

const WORDS = {
  en: {
    skip: 'To the slices', title: 'review', reviewer: 'Your name', language: 'Language', light_table: 'Light table',
    judge_all: 'Judge', sums: 'Results', organ: 'Organ', case: 'Case or patient', triage: 'Triage', kind: 'Slice',
    verdict: 'Verdict', dice_below: 'Dice below', order: 'Order', page_before: 'Page before', page_after: 'Next page',
    coronal: 'Coronal', sagittal: 'Sagittal', truth: 'truth', prediction: 'prediction', slice: 'Slice',
    right: 'label right', wrong: 'label wrong', ambiguous: 'ambiguous', broken: 'scan broken', note: 'Note (N)',
    previous: 'back', next: 'on', undo: 'undo', back: 'light table', view: 'View', fill: 'filled', zoom: 'close up',
    difference: 'difference', window: 'Window', centre: 'Centre', width: 'Width', neighbour: 'Neighbour',
    all: 'all', none: 'none', not_judged: 'not judged', judged: 'judged', suspect: 'suspect', redundant: 'redundant',
    hardest: 'hardest first', by_case: 'by case', positive: 'with the organ', negative: 'without the organ',
    end_of_organ: 'end of the organ', soft: 'soft tissue', liver: 'liver', lung: 'lung', bone: 'bone', net: 'as the net sees it',
    found: n => `${n} slices`, page: (n, of) => `page ${n} of ${of}`,
    progress: (n, of, left) => `${n} of ${of}${left ? `; ${left} left at this pace` : ''}`,
    where: (z, of, dz) => `slice ${z} of ${of}, from the feet${dz ? ` (${dz > 0 ? '+' : ''}${dz})` : ''}`,
    picture: (c, z, o, d) => `${c}, slice ${z}, ${o}${d === null ? '' : `, Dice ${d}`}`,
    no_dice: 'one of the two alone', name_first: 'Give your name first: it is written beside each verdict.',
    blind: 'What the mining said is shown when you have judged.', end: 'That was the last one. All judged.',
    wrong_hard: 'Wrong labels among hard slices, judged blind', wrong_easy: 'Wrong labels among easy slices, judged blind',
    precision: 'Triage’s suspects whose label or scan is wrong', of: 'of', interval: '95 % interval',
    agreement: 'Agreement', kappa: 'Cohen’s kappa', same: 'same', disagree: 'Disagreements', nothing: 'nothing judged yet',
    shown_to: 'Shown to', net_of: 'Prediction of', miner: 'the net that mined', surface: 'surface', arms: 'The arms’ nets on this slice',
    arm: 'arm', often: 'times an epoch', trained_on: 'A net may have been trained on this very slice.',
    surface_says: 'Prediction coloured by its distance from the truth: blue inside, orange outside; the truth see-through.',
    no_surface: 'Surfaces need WebGL 2, which this browser does not give.',
    outdated: n => `${n} verdicts do not count any more: the label or the slice has changed since.`,
    lost: 'The desk does not answer: is the program still running? Your last verdict may not be written.',
  },
  de: {
    skip: 'Zu den Schichten', title: 'Durchsicht', reviewer: 'Ihr Name', language: 'Sprache', light_table: 'Leuchttisch',
    judge_all: 'Beurteilen', sums: 'Ergebnisse', organ: 'Organ', case: 'Fall oder Patient', triage: 'Triage', kind: 'Schicht',
    verdict: 'Urteil', dice_below: 'Dice unter', order: 'Ordnung', page_before: 'Seite zurück', page_after: 'Nächste Seite',
    coronal: 'Koronar', sagittal: 'Sagittal', truth: 'Wahrheit', prediction: 'Vorhersage', slice: 'Schicht',
    right: 'Label richtig', wrong: 'Label falsch', ambiguous: 'mehrdeutig', broken: 'Scan defekt', note: 'Notiz (N)',
    previous: 'zurück', next: 'weiter', undo: 'rückgängig', back: 'Leuchttisch', view: 'Ansicht', fill: 'gefüllt', zoom: 'nah',
    difference: 'Unterschied', window: 'Fenster', centre: 'Mitte', width: 'Breite', neighbour: 'Nachbar',
    all: 'alle', none: 'keine', not_judged: 'nicht beurteilt', judged: 'beurteilt', suspect: 'verdächtig', redundant: 'überflüssig',
    hardest: 'schwerste zuerst', by_case: 'nach Fall', positive: 'mit Organ', negative: 'ohne Organ',
    end_of_organ: 'Ende des Organs', soft: 'Weichteile', liver: 'Leber', lung: 'Lunge', bone: 'Knochen', net: 'wie das Netz sie sieht',
    found: n => `${n} Schichten`, page: (n, of) => `Seite ${n} von ${of}`,
    progress: (n, of, left) => `${n} von ${of}${left ? `; noch ${left} bei diesem Tempo` : ''}`,
    where: (z, of, dz) => `Schicht ${z} von ${of}, von den Füßen${dz ? ` (${dz > 0 ? '+' : ''}${dz})` : ''}`,
    picture: (c, z, o, d) => `${c}, Schicht ${z}, ${o}${d === null ? '' : `, Dice ${d}`}`,
    no_dice: 'nur in einem der beiden', name_first: 'Bitte zuerst Ihren Namen: er steht neben jedem Urteil.',
    blind: 'Was das Mining sagte, erscheint nach Ihrem Urteil.', end: 'Das war die letzte. Alles beurteilt.',
    wrong_hard: 'Falsche Labels unter schweren Schichten, blind beurteilt', wrong_easy: 'Falsche Labels unter leichten Schichten, blind beurteilt',
    precision: 'Verdächtige der Triage, deren Label oder Scan falsch ist', of: 'von', interval: '95-%-Intervall',
    agreement: 'Übereinstimmung', kappa: 'Cohens Kappa', same: 'gleich', disagree: 'Abweichungen', nothing: 'noch nichts beurteilt',
    shown_to: 'Gezeigt dem Arm', net_of: 'Vorhersage von', miner: 'dem Netz, das schürfte', surface: 'Oberfläche', arms: 'Die Netze der Arme in dieser Schicht',
    arm: 'Arm', often: 'mal je Epoche', trained_on: 'Ein Netz kann an eben dieser Schicht trainiert worden sein.',
    surface_says: 'Vorhersage, gefärbt nach dem Abstand von der Wahrheit: blau innen, orange außen; die Wahrheit durchsichtig.',
    no_surface: 'Oberflächen brauchen WebGL 2, das dieser Browser nicht bietet.',
    outdated: n => `${n} Urteile zählen nicht mehr: Label oder Schicht haben sich geändert.`,
    lost: 'Der Tisch antwortet nicht: läuft das Programm noch? Ihr letztes Urteil ist vielleicht nicht geschrieben.',
  },
  fr: {
    skip: 'Vers les coupes', title: 'relecture', reviewer: 'Votre nom', language: 'Langue', light_table: 'Table lumineuse',
    judge_all: 'Juger', sums: 'Résultats', organ: 'Organe', case: 'Cas ou patient', triage: 'Tri', kind: 'Coupe',
    verdict: 'Verdict', dice_below: 'Dice sous', order: 'Ordre', page_before: 'Page précédente', page_after: 'Page suivante',
    coronal: 'Coronale', sagittal: 'Sagittale', truth: 'vérité', prediction: 'prédiction', slice: 'Coupe',
    right: 'label juste', wrong: 'label faux', ambiguous: 'ambigu', broken: 'scan défectueux', note: 'Note (N)',
    previous: 'retour', next: 'suite', undo: 'annuler', back: 'table lumineuse', view: 'Vue', fill: 'rempli', zoom: 'de près',
    difference: 'différence', window: 'Fenêtre', centre: 'Centre', width: 'Largeur', neighbour: 'Voisine',
    all: 'tous', none: 'aucun', not_judged: 'non jugées', judged: 'jugées', suspect: 'suspecte', redundant: 'redondante',
    hardest: 'les plus dures d’abord', by_case: 'par cas', positive: 'avec l’organe', negative: 'sans l’organe',
    end_of_organ: 'bout de l’organe', soft: 'tissus mous', liver: 'foie', lung: 'poumon', bone: 'os', net: 'comme le réseau la voit',
    found: n => `${n} coupes`, page: (n, of) => `page ${n} sur ${of}`,
    progress: (n, of, left) => `${n} sur ${of}${left ? ` ; encore ${left} à ce rythme` : ''}`,
    where: (z, of, dz) => `coupe ${z} sur ${of}, depuis les pieds${dz ? ` (${dz > 0 ? '+' : ''}${dz})` : ''}`,
    picture: (c, z, o, d) => `${c}, coupe ${z}, ${o}${d === null ? '' : `, Dice ${d}`}`,
    no_dice: 'dans l’un des deux seulement', name_first: 'D’abord votre nom : il est écrit à côté de chaque verdict.',
    blind: 'Ce que le minage a dit est montré après votre verdict.', end: 'C’était la dernière. Tout est jugé.',
    wrong_hard: 'Labels faux parmi les coupes dures, jugées en aveugle', wrong_easy: 'Labels faux parmi les coupes faciles, jugées en aveugle',
    precision: 'Suspects du tri dont le label ou le scan est faux', of: 'sur', interval: 'intervalle à 95 %',
    agreement: 'Accord', kappa: 'Kappa de Cohen', same: 'identiques', disagree: 'Désaccords', nothing: 'rien n’est jugé',
    shown_to: 'Montrée à', net_of: 'Prédiction de', miner: 'du réseau qui a miné', surface: 'surface', arms: 'Les réseaux des bras sur cette coupe',
    arm: 'bras', often: 'fois par époque', trained_on: 'Un réseau peut avoir été entraîné sur cette coupe même.',
    surface_says: 'Prédiction colorée selon sa distance à la vérité : bleu dedans, orange dehors ; la vérité en transparence.',
    no_surface: 'Les surfaces demandent WebGL 2, que ce navigateur n’offre pas.',
    outdated: n => `${n} verdicts ne comptent plus : le label ou la coupe a changé.`,
    lost: 'La table ne répond pas : le programme tourne-t-il encore ? Votre dernier verdict n’est peut-être pas écrit.',
  },
};

// Centre and width; what the net sees is the store's own, and comes with the items.
const WINDOWS = { net: [50, 400], soft: [40, 350], liver: [60, 160], lung: [-600, 1500], bone: [400, 1800] };
const VERDICTS = ['right', 'wrong', 'ambiguous', 'broken'];
const KEYS = { r: 'right', w: 'wrong', a: 'ambiguous', b: 'broken' };
const PER_PAGE = 60;

const at = id => document.getElementById(id);
const made = (tag, classes = '', text = '') => {
  const element = document.createElement(tag);
  if (classes) element.className = classes;
  if (text) element.textContent = text;
  return element;
};

const state = {
  items: [], queue: [], arms: [], isMined: false, byItem: {}, tally: null, outdated: 0,
  page: 0, shown: [], walk: [], place: 0, inQueue: false, dz: 0, window: 'net', times: [],
};
let words = WORDS.en;

async function ask(path, body) {
  const request = body === undefined ? {} : {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
  };
  let response;
  try {
    response = await fetch(path, request);
  } catch {
    tell(words.lost);
    throw new Error('no answer');
  }
  if (!response.ok) {
    const said = await response.text();
    tell(said);
    throw new Error(said);
  }
  tell('');
  return response.json();
}

function tell(text) {
  at('message').textContent = text;
  at('message').hidden = text === '';
}

const reviewer = () => at('reviewer').value.trim();
const mine = id => (state.byItem[id] ?? {})[reviewer()];
const dice = item => (item.dice === undefined ? null : item.dice === null ? words.no_dice : item.dice.toFixed(3));

// --- the light table ------------------------------------------------------------------------------

function options(select, entries) {
  const kept = select.value;
  select.replaceChildren(...entries.map(([value, text]) => {
    const option = made('option', '', text);
    option.value = value;
    return option;
  }));
  if (entries.some(([value]) => value === kept)) select.value = kept;
}

function fillFilters() {
  const organs = [...new Set(state.items.map(item => item.organ))];
  options(at('f-organ'), [['', words.all], ...organs.map(organ => [organ, organ])]);
  options(at('f-triage'), [['', words.all], ...['suspect', 'broken', 'redundant'].map(t => [t, words[t]]), ['-', words.none]]);
  options(at('f-kind'), [['', words.all], ...['positive', 'end_of_organ', 'negative'].map(k => [k, words[k]])]);
  options(at('f-verdict'), [['', words.all], ['-', words.not_judged], ['+', words.judged], ...VERDICTS.map(v => [v, words[v]])]);
  options(at('f-order'), [['hardest', words.hardest], ['case', words.by_case]]);
  options(at('f-arm'), [['', words.all], ...state.arms.map((arm, place) => [String(place), arm])]);
  options(at('v-net'), [['', words.miner], ...state.arms.map(arm => [arm, arm])]);
  options(at('v-window'), Object.keys(WINDOWS).map((name, n) => [name, `${n + 1} ${words[name]}`]));
}

function filtered() {
  const organ = at('f-organ').value, arm = at('f-arm').value, triage = at('f-triage').value, kind = at('f-kind').value;
  const verdict = at('f-verdict').value, text = at('f-case').value.trim().toLowerCase();
  const most = at('f-dice').value === '' ? null : Number(at('f-dice').value);
  const keep = item => {
    const judged = mine(item.id);
    // Easy slices are shown once they are judged: before, they come up in the queue, unmarked.
    if (item.is_control && !judged) return false;
    if (organ && item.organ !== organ) return false;
    if (arm && !item.shown_to.includes(Number(arm))) return false;
    if (triage && (item.triage ?? '-') !== triage) return false;
    if (kind && item.kind !== kind) return false;
    if (text && !item.case.toLowerCase().includes(text) && !item.patient.toLowerCase().includes(text)) return false;
    if (most !== null && !((item.dice ?? 0) < most)) return false;
    if (verdict === '-') return !judged;
    if (verdict === '+') return Boolean(judged);
    return !verdict || judged?.verdict === verdict;
  };
  const found = state.items.filter(keep);
  if (at('f-order').value === 'case') {
    found.sort((a, b) => a.case.localeCompare(b.case) || a.organ.localeCompare(b.organ) || a.z - b.z);
  }
  return found;
}

function drawTable() {
  state.shown = filtered();
  const pages = Math.max(1, Math.ceil(state.shown.length / PER_PAGE));
  state.page = Math.min(state.page, pages - 1);
  const first = state.page * PER_PAGE;
  at('found').textContent = words.found(state.shown.length);
  at('page').textContent = words.page(state.page + 1, pages);
  at('before').disabled = state.page === 0;
  at('after').disabled = state.page + 1 >= pages;
  at('grid').replaceChildren(...state.shown.slice(first, first + PER_PAGE).map((item, n) => card(item, first + n)));
}

function card(item, place) {
  const entry = made('li');
  const button = made('button');
  button.addEventListener('click', () => open(state.shown.map(one => one.id), place, false));
  const image = made('img');
  image.loading = 'lazy';
  image.width = image.height = 176;
  image.alt = words.picture(item.case, item.z, item.organ, dice(item));
  image.src = `/picture/${item.id}?w=176`;
  const first = made('span', 'line', item.dice === undefined ? item.organ : `${item.organ}  ${dice(item)}`);
  const second = made('span', 'line quiet', `${item.case} · ${item.z}`);
  button.append(image, first, second);
  const judged = mine(item.id);
  const tag = judged?.verdict ?? item.triage;
  if (tag) {
    first.append(' ', made('span', `tag ${tag}`, words[tag]));
  }
  entry.append(button);
  return entry;
}

// --- one slice -------------------------------------------------------------------------------------

function open(walk, place, inQueue) {
  Object.assign(state, { walk, place, inQueue });
  show('slice');
  go(place);
}

function go(place) {
  state.place = Math.max(0, Math.min(place, state.walk.length - 1));
  state.dz = 0;
  at('note').value = mine(state.walk[state.place])?.note ?? '';
  drawSlice();
}

const current = () => state.items[state.walk[state.place]];

function address(item, more) {
  const [centre, width] = [Number(at('v-centre').value), Math.max(1, Number(at('v-width').value))];
  const all = {
    lo: centre - width / 2, hi: centre + width / 2, truth: at('v-truth').checked,
    predicted: at('v-predicted').checked, fill: at('v-fill').checked, difference: at('v-difference').checked,
    zoom: at('v-zoom').checked, ...(at('v-net').value ? { net: at('v-net').value } : {}), ...more,
  };
  return `/picture/${item.id}?${new URLSearchParams(Object.entries(all).map(([k, v]) => [k, String(v)]))}`;
}

function drawSlice() {
  const item = current();
  const judged = mine(item.id);
  const large = at('large');
  large.src = address(item, { w: 900, dz: state.dz });
  large.alt = words.picture(item.case, item.z + state.dz, item.organ, judged ? dice(item) : null);
  for (const plane of ['coronal', 'sagittal']) {
    at(plane).src = address(item, { w: 420, plane, predicted: false, difference: false, zoom: false });
    at(plane).alt = `${words[plane]}: ${item.case}`;
    at(`${plane}-line`).style.bottom = `${(100 * (item.z + state.dz + 0.5)) / item.n_slices}%`;
  }
  const range = at('v-dz');
  range.min = -item.z;
  range.max = item.n_slices - 1 - item.z;
  range.value = state.dz;
  at('what').textContent = `${item.case}, ${item.organ}`;
  at('where').textContent = words.where(item.z + state.dz, item.n_slices, state.dz);
  const isOpen = judged || !state.inQueue;
  const lines = [];
  if (isOpen && item.reason) lines.push(item.reason);
  if (isOpen && item.triage) lines.push(`${words[item.triage]}: ${item.triage_reason ?? ''}`);
  at('why').textContent = isOpen ? lines.join('; ') : words.blind;
  drawArms(item, isOpen);
  drawSurface(item);
  for (const button of document.querySelectorAll('[data-verdict]')) {
    button.setAttribute('aria-pressed', String(button.dataset.verdict === judged?.verdict));
  }
  const others = Object.entries(state.byItem[item.id] ?? {}).filter(([name]) => isOpen && name !== reviewer());
  at('said').replaceChildren(...others.map(([name, one]) => {
    return made('p', '', `${name}: ${words[one.verdict]}${one.note ? ` (${one.note})` : ''}`);
  }));
  at('previous').disabled = state.place === 0;
  at('next').disabled = state.place + 1 >= state.walk.length;
  drawProgress();
  // The next one is drawn while this one is looked at.
  const next = state.items[state.walk[state.place + 1]];
  if (next) new Image().src = address(next, { w: 900, dz: 0 });
}

// What every arm's net says of the slice; told where it gives no verdict away.
async function drawArms(item, isOpen) {
  const box = at('arms');
  if (box.dataset.of === `${item.id} ${isOpen}` && box.dataset.language === document.documentElement.lang) return;
  box.dataset.of = `${item.id} ${isOpen}`;
  box.dataset.language = document.documentElement.lang;
  box.replaceChildren();
  if (!isOpen || !state.arms.length) return;
  const said = await ask(`/arms/${item.id}`);
  if (box.dataset.of !== `${item.id} ${isOpen}` || !said.length) return;
  const table = made('table');
  table.append(made('caption', '', words.arms));
  const head = table.insertRow();
  for (const text of [words.arm, 'Dice', words.often]) {
    const cell = made('th', '', text);
    cell.scope = 'col';
    head.append(cell);
  }
  for (const one of said) {
    const row = table.insertRow();
    const name = made('th', '', one.arm);
    name.scope = 'row';
    row.append(name);
    row.insertCell().textContent = one.dice === null ? '–' : one.dice.toFixed(3);
    row.insertCell().textContent = one.weight === null ? '–' : String(Number(one.weight.toFixed(2)));
  }
  box.replaceChildren(table, made('p', 'quiet', words.trained_on));
}

// The organ of the whole scan, which NiiVue turns; the plane of the slice goes through it. NiiVue is
// asked for when a surface is first wanted.
const turning = { viewer: null, of: '', plane: '' };

function loadNiivue() {
  return new Promise((done, failed) => {
    if (window.niivue) {
      done(window.niivue);
      return;
    }
    const script = made('script');
    script.src = '/niivue.js';
    script.addEventListener('load', () => done(window.niivue));
    script.addEventListener('error', () => failed(new Error('no NiiVue')));
    document.head.append(script);
  });
}

async function drawSurface(item) {
  const isWanted = at('v-surface').checked;
  at('surface').hidden = !isWanted;
  if (!isWanted) return;
  const net = at('v-net').value;
  const of = `${item.id} ${net}`, plane = `${of} ${state.dz}`;
  if (turning.plane === plane) return;
  turning.plane = plane;
  try {
    const { Niivue } = await loadNiivue();
    if (!turning.viewer) {
      const isDark = window.matchMedia('(prefers-color-scheme: dark)').matches;
      const viewer = new Niivue({
        backColor: isDark ? [0.09, 0.1, 0.12, 1] : [1, 1, 1, 1], show3Dcrosshair: false, isOrientCube: true,
        dragAndDropEnabled: false, meshXRay: 0, loadingText: '', logLevel: 'error',
      });
      await viewer.attachToCanvas(at('turning'));
      viewer.setSliceType(viewer.sliceTypeRender);
      turning.viewer = viewer;
    }
    const { viewer } = turning;
    const fetched = async (query, name, opacity) => {
      const response = await fetch(`/surface/${item.id}?${new URLSearchParams(query)}`);
      if (!response.ok) throw new Error(await response.text());
      if (response.status === 204) return null;
      return { buffer: await response.arrayBuffer(), name, opacity };
    };
    const wanted = [fetched({ of: 'plane', dz: state.dz }, 'plane.mz3', 0.35)];
    if (turning.of !== of) {
      wanted.push(fetched({ of: 'net', ...(net ? { net } : {}) }, 'net.mz3', 1), fetched({ of: 'truth' }, 'truth.mz3', 0.3));
    }
    const found = (await Promise.all(wanted)).filter(Boolean);
    if (turning.plane !== plane) return;
    const { NVMesh } = window.niivue;
    for (const mesh of [...viewer.meshes]) {
      if (turning.of !== of || mesh.name === 'plane.mz3') viewer.removeMesh(mesh);
    }
    // What is seen through comes last.
    const order = { 'net.mz3': 0, 'plane.mz3': 1, 'truth.mz3': 2 };
    found.sort((a, b) => order[a.name] - order[b.name]);
    for (const { buffer, name, opacity } of found) {
      const mesh = await NVMesh.readMesh(buffer, name, viewer.gl, opacity);
      viewer.addMesh(mesh);
    }
    turning.of = of;
    at('surface').dataset.meshes = String(viewer.meshes.length);
  } catch (error) {
    turning.plane = '';
    tell(turning.viewer ? String(error.message) : words.no_surface);
  }
}

async function judge(verdict) {
  if (!reviewer()) {
    tell(words.name_first);
    at('reviewer').focus();
    return;
  }
  // One verdict at a time: the next slice is not seen before this one is written.
  if (state.judging) return;
  state.judging = true;
  try {
    const item = current();
    const body = { id: item.id, verdict, note: at('note').value, reviewer: reviewer(), blind: state.inQueue };
    took(await ask('/verdicts', body));
  } finally {
    state.judging = false;
  }
  state.times.push(Date.now());
  if (state.inQueue) {
    let next = state.walk.findIndex((id, place) => place > state.place && !mine(id));
    if (next < 0) next = state.walk.findIndex(id => !mine(id));
    if (next >= 0) go(next);
    else {
      drawSlice();
      at('progress').textContent = words.end;
    }
  } else if (state.place + 1 < state.walk.length) go(state.place + 1);
  else drawSlice();
}

async function undo() {
  if (!reviewer()) return;
  const { id, verdicts } = await ask('/undo', { reviewer: reviewer() });
  took(verdicts);
  state.times.pop();
  if (id === null) return;
  let place = state.walk.indexOf(id);
  if (place < 0) {
    state.walk = [id, ...state.walk];
    place = 0;
  }
  go(place);
}

function took(verdicts) {
  state.byItem = verdicts.by_item;
  state.tally = verdicts.tally;
  state.outdated = verdicts.n_outdated;
}

function drawProgress() {
  const done = state.queue.filter(id => mine(id)).length;
  const times = state.times.slice(-20);
  let left = '';
  if (times.length > 2) {
    const pace = (times[times.length - 1] - times[0]) / (times.length - 1) / 60000;
    const minutes = Math.ceil(pace * (state.queue.length - done));
    left = minutes < 90 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
  }
  at('progress').textContent = words.progress(done, state.queue.length, left);
}

// --- results ---------------------------------------------------------------------------------------

function drawSums() {
  const sums = at('sums');
  sums.replaceChildren(made('h2', '', words.sums));
  if (state.outdated) sums.append(made('p', '', words.outdated(state.outdated)));
  const rows = [
    [words.wrong_hard, state.tally.wrong_of_hard], [words.wrong_easy, state.tally.wrong_of_easy],
    [words.precision, state.tally.triage_precision],
  ];
  const table = made('table');
  for (const [text, share] of rows) {
    const row = table.insertRow();
    const head = made('th', '', text);
    head.scope = 'row';
    row.append(head);
    row.insertCell().textContent = share ? `${share.n} ${words.of} ${share.of}` : words.nothing;
    const percent = x => `${(100 * x).toFixed(1)} %`;
    row.insertCell().textContent = share ? `${percent(share.n / share.of)}, ${words.interval} ${percent(share.low)} – ${percent(share.high)}` : '';
  }
  sums.append(table);
  for (const { reviewers, n, n_same, kappa, disagreements } of state.tally.agreement) {
    sums.append(made('h3', '', `${words.agreement}: ${reviewers.join(', ')}`));
    sums.append(made('p', '', `${n_same} ${words.of} ${n} ${words.same}; ${words.kappa} ${kappa === null ? '–' : kappa.toFixed(2)}`));
    const list = made('ul');
    for (const one of disagreements) {
      list.append(made('li', '', `${one.case}, ${one.z}, ${one.organ}: ${one.verdicts.map(v => words[v]).join(' / ')}`));
    }
    if (disagreements.length) sums.append(made('h4', '', words.disagree), list);
  }
}

// --- moving about ----------------------------------------------------------------------------------

function show(section) {
  for (const id of ['table', 'slice', 'sums']) at(id).hidden = id !== section;
  at('to-table').setAttribute('aria-pressed', String(section === 'table'));
  at('to-queue').setAttribute('aria-pressed', String(section === 'slice' && state.inQueue));
  at('to-sums').setAttribute('aria-pressed', String(section === 'sums'));
}

function toTable() {
  show('table');
  drawTable();
  drawProgress();
  at('main').focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

function toQueue() {
  const first = state.queue.findIndex(id => !mine(id));
  open(state.queue, Math.max(0, first), true);
}

function step(by) {
  const item = current();
  const dz = Math.max(-item.z, Math.min(state.dz + by, item.n_slices - 1 - item.z));
  if (dz === state.dz) return;
  state.dz = dz;
  drawSlice();
}

function setWindow(name) {
  state.window = name;
  at('v-window').value = name;
  [at('v-centre').value, at('v-width').value] = WINDOWS[name];
}

const toggle = id => {
  at(id).checked = !at(id).checked;
  drawSlice();
};

function key(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const inText = event.target.matches('input:not([type="checkbox"]):not([type="range"]), textarea, select');
  if (event.key === 'Escape') {
    if (inText) event.target.blur();
    else if (!at('slice').hidden || !at('sums').hidden) toTable();
    return;
  }
  if (inText || at('slice').hidden) return;
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const actions = {
    ArrowLeft: () => go(state.place - 1), ArrowRight: () => go(state.place + 1),
    ArrowUp: () => step(1), ArrowDown: () => step(-1), u: undo,
    n: () => at('note').focus(), t: () => toggle('v-truth'), p: () => toggle('v-predicted'),
    f: () => toggle('v-fill'), d: () => toggle('v-difference'), z: () => toggle('v-zoom'), s: () => toggle('v-surface'),
  };
  const windowName = Object.keys(WINDOWS)[Number(name) - 1];
  const action = KEYS[name] ? () => judge(KEYS[name]) : windowName ? () => {
    setWindow(windowName);
    drawSlice();
  } : actions[name];
  if (!action) return;
  event.preventDefault();
  if (event.repeat && (KEYS[name] || name === 'u')) return;
  action();
}

function speak(language) {
  words = WORDS[language] ?? WORDS.en;
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll('[data-word]')) element.textContent = words[element.dataset.word];
  for (const element of document.querySelectorAll('[data-label]')) element.setAttribute('aria-label', words[element.dataset.label]);
  fillFilters();
}

function redraw() {
  if (!at('slice').hidden) drawSlice();
  else if (!at('sums').hidden) drawSums();
  else toTable();
}

async function begin() {
  const remembered = name => localStorage.getItem(`hardslice-${name}`) ?? '';
  at('reviewer').value = remembered('reviewer');
  const language = remembered('language') || navigator.language.slice(0, 2);
  at('language').value = WORDS[language] ? language : 'en';
  Object.assign(state, await ask('/items').then(({ items, queue, arms, is_mined, window_hu: [low, high] }) => {
    WINDOWS.net = [(low + high) / 2, high - low];
    return { items, queue, arms, isMined: is_mined };
  }));
  took(await ask('/verdicts'));
  speak(at('language').value);
  setWindow('net');
  for (const id of ['f-triage', 'f-kind', 'f-dice', 'f-order']) at(id).parentElement.hidden = !state.isMined;
  for (const id of ['f-arm', 'v-net']) at(id).parentElement.hidden = !state.arms.length;
  at('filters').addEventListener('input', () => {
    state.page = 0;
    drawTable();
  });
  at('filters').addEventListener('submit', event => event.preventDefault());
  at('before').addEventListener('click', () => { state.page -= 1; drawTable(); });
  at('after').addEventListener('click', () => { state.page += 1; drawTable(); });
  at('to-table').addEventListener('click', toTable);
  at('to-queue').addEventListener('click', toQueue);
  at('to-sums').addEventListener('click', () => { show('sums'); drawSums(); });
  at('previous').addEventListener('click', () => go(state.place - 1));
  at('next').addEventListener('click', () => go(state.place + 1));
  at('undo').addEventListener('click', undo);
  at('back').addEventListener('click', toTable);
  for (const button of document.querySelectorAll('[data-verdict]')) {
    button.addEventListener('click', () => judge(button.dataset.verdict));
  }
  for (const id of ['v-truth', 'v-predicted', 'v-fill', 'v-difference', 'v-zoom', 'v-surface', 'v-net', 'v-centre', 'v-width']) {
    at(id).addEventListener('change', drawSlice);
  }
  at('v-window').addEventListener('change', () => { setWindow(at('v-window').value); drawSlice(); });
  at('v-dz').addEventListener('input', () => { state.dz = Number(at('v-dz').value); drawSlice(); });
  at('views').addEventListener('wheel', event => {
    event.preventDefault();
    step(event.deltaY < 0 ? 1 : -1);
  }, { passive: false });
  at('reviewer').addEventListener('change', () => {
    localStorage.setItem('hardslice-reviewer', reviewer());
    redraw();
  });
  at('language').addEventListener('change', () => {
    localStorage.setItem('hardslice-language', at('language').value);
    speak(at('language').value);
    redraw();
  });
  document.addEventListener('keydown', key);
  toTable();
}

begin();
