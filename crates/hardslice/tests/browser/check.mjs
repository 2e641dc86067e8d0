// Opens a report in headless Chromium and checks what its reader relies on.
//
//   node check.mjs REPORT.html NODE_MODULES [SCREENSHOTS]
//
// NODE_MODULES holds playwright-core and axe-core. Prints a line for each failure and exits with 1
// when there is one.

import { createRequire } from 'node:module';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [report, modules, screenshots] = process.argv.slice(2);
const require = createRequire(join(resolve(modules), 'check.cjs'));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const SECTIONS = [
  'verdict', 'tables', 'cases', 'slices', 'surfaces', 'organs', 'training', 'nets', 'mining', 'audit', 'provenance',
];
const WIDE = { width: 1280, height: 900 };
const PHONE = { width: 360, height: 740 };

let failures = 0;
const check = (holds, what) => {
  if (holds) return;
  failures += 1;
  console.log(`FAILED: ${what}`);
};

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
  .find(path => existsSync(path));
const profile = mkdtempSync(join(tmpdir(), 'hardslice-browser-'));
const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  headless: true,
  viewport: WIDE,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
  ],
});

try {
  const page = context.pages()[0] ?? await context.newPage();
  page.setDefaultTimeout(8000);
  const address = pathToFileURL(resolve(report)).href;
  page.on('request', request => {
    const url = request.url();
    check(url === address || url.startsWith('data:'), `the page asks for ${url.slice(0, 80)}`);
  });
  page.on('console', message => {
    check(!['error', 'warning'].includes(message.type()), `the console says: ${message.text()}`);
  });
  page.on('pageerror', error => check(false, `the script fails: ${error}`));

  await page.goto(address);
  await structure(page);
  await ledger(page);
  await surfaces(page);
  await keyboard(page, address);
  await shots(page, 'light');
  await accessible(page, 'light');

  await page.emulateMedia({ colorScheme: 'dark' });
  const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const dark = paper.match(/\d+/g).slice(0, 3).every(level => Number(level) < 60);
  check(dark, `dark paper is ${paper}`);
  await shots(page, 'dark');
  await accessible(page, 'dark');

  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(PHONE);
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  check(width <= PHONE.width, `a phone of ${PHONE.width} pixels must scroll sideways to ${width}`);
  await shots(page, 'phone');
  await withoutScripts(address);
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
}
if (failures > 0) process.exit(1);
console.log('the report holds');

// Every section has its heading, headings do not skip a level, and what is seen has words.
async function structure(page) {
  const found = await page.evaluate(() => ({
    sections: [...document.querySelectorAll('main > section')].map(section => section.id),
    levels: [...document.querySelectorAll('h1, h2, h3, h4')].map(head => Number(head.tagName[1])),
    tables: document.querySelectorAll('table').length,
    captions: [...document.querySelectorAll('caption')].filter(caption => caption.textContent.trim()).length,
    figures: document.querySelectorAll('figure').length,
    words: [...document.querySelectorAll('figcaption')].filter(caption => caption.textContent.trim()).length,
    drawings: [...document.querySelectorAll('svg')].filter(svg => !svg.querySelector('title')?.textContent.trim()).length,
    pictures: [...document.querySelectorAll('img')].filter(image => !image.alt.trim()).length,
    links: [...document.querySelectorAll('nav a')].filter(link => !document.querySelector(link.getAttribute('href'))).length,
    handlers: [...document.querySelectorAll('*')].flatMap(element => [...element.attributes])
      .filter(attribute => attribute.name.startsWith('on')).length,
  }));
  check(SECTIONS.every(id => found.sections.includes(id)), `sections are ${found.sections}`);
  check(found.levels.filter(level => level === 1).length === 1, 'one heading of the first level');
  const skips = found.levels.some((level, i) => i > 0 && level > found.levels[i - 1] + 1);
  check(!skips, `headings skip a level: ${found.levels}`);
  check(found.tables > 0 && found.captions === found.tables, `${found.captions} of ${found.tables} tables have captions`);
  check(found.figures > 0 && found.words === found.figures, `${found.words} of ${found.figures} figures have captions`);
  check(found.drawings === 0, `${found.drawings} drawings have no title`);
  check(found.pictures === 0, `${found.pictures} pictures have no words`);
  check(found.links === 0, `${found.links} links of the contents lead nowhere`);
  check(found.handlers === 0, `${found.handlers} inline handlers`);
}

// The filter filters, the choice chooses, the columns sort both ways and say so.
async function ledger(page) {
  const root = page.locator('.ledger').first();
  const shown = () => root.locator('tbody tr:visible').count();
  const all = await shown();
  check(all > 10, `${all} rows in the ledger`);

  const hard = await root.locator('tbody tr', { has: page.locator('td:text-is("hard")') }).count();
  await root.locator('select').selectOption('hard');
  check(await shown() === hard && hard < all, `${await shown()} of ${hard} hard rows are shown`);
  const said = await root.locator('output').textContent();
  check(said === `${hard} of ${all} rows`, `the filter says "${said}"`);
  await root.locator('select').selectOption('');

  const name = (await root.locator('tbody tr').last().locator('td').first().textContent()).trim();
  await root.locator('input').fill(name);
  const texts = await root.locator('tbody tr:visible').allTextContents();
  check(texts.length > 0 && texts.length < all && texts.every(text => text.includes(name)), `filtering by ${name}`);
  await root.locator('input').fill('no such slice');
  check(await shown() === 0, 'nothing fits');
  await root.locator('input').fill('');
  check(await shown() === all, 'everything is back');

  const column = (await root.locator('thead th').allTextContents()).findIndex(text => text.startsWith('Dice'));
  const head = root.locator('thead th').nth(column);
  for (const direction of ['ascending', 'descending']) {
    await head.locator('button').focus();
    await page.keyboard.press('Enter');
    check(await head.getAttribute('aria-sort') === direction, `aria-sort is not ${direction}`);
    const cells = await root.locator(`tbody td:nth-child(${column + 1})`).allTextContents();
    const values = cells.map(cell => parseFloat(cell));
    const first = values.findIndex(Number.isNaN);
    const numbers = first < 0 ? values : values.slice(0, first);
    const sign = direction === 'ascending' ? 1 : -1;
    check(numbers.every((value, i) => i === 0 || sign * (value - numbers[i - 1]) >= 0), `Dice is not ${direction}`);
    check(first < 0 || values.slice(first).every(Number.isNaN), 'rows without a Dice are not last');
  }
}

// The surfaces turn under the mouse, by keys and by buttons, and what is seen changes.
async function surfaces(page) {
  const table = page.locator('.turntable').first();
  await table.scrollIntoViewIfNeeded();
  await page.waitForFunction(() => document.querySelector('.turntable').dataset.view, null, { timeout: 5000 });
  const state = async () => ({
    view: await table.getAttribute('data-view'),
    pixels: await table.locator('canvas').first().evaluate(canvas => canvas.toDataURL()),
  });
  const filled = await table.locator('canvas').evaluateAll(canvases => canvases.map(canvas => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return data.filter((_, i) => i % 4 === 3).filter(alpha => alpha > 0).length / (data.length / 4);
  }));
  check(filled.length >= 1 && filled.every(share => share > 0.05), `surfaces fill ${filled}`);

  const changes = async (what, act) => {
    const before = await state();
    await act();
    await page.waitForTimeout(150);
    const after = await state();
    check(before.view !== after.view && before.pixels !== after.pixels, `${what} does not turn the surfaces`);
  };
  await changes('the mouse', async () => {
    const box = await table.locator('canvas').first().boundingBox();
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    await page.mouse.move(x, y);
    await page.mouse.down();
    await page.mouse.move(x + 60, y + 20, { steps: 4 });
    await page.mouse.up();
  });
  await table.focus();
  for (const key of ['ArrowLeft', 'ArrowUp', 'Home']) {
    await changes(`the key ${key}`, () => page.keyboard.press(key));
  }
  await changes('a button', () => table.locator('button').first().click());
  await table.focus();
  await page.keyboard.press('Home');
}

// The first stop is the link past the contents, and every stop shows where it is.
async function keyboard(page, address) {
  await page.goto(address);
  await page.keyboard.press('Tab');
  const first = await page.evaluate(() => document.activeElement.className);
  check(first === 'skip', `the first stop is "${first}"`);
  for (let i = 0; i < 6; i++) {
    await page.keyboard.press('Tab');
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    check(outline !== 'none', `stop ${i + 2} has no outline`);
  }
}

// What axe-core, the engine of most accessibility checkers, finds.
async function accessible(page, scheme) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, {
    runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'],
    resultTypes: ['violations'],
  }));
  for (const { id, help, nodes } of found.violations) {
    check(false, `${scheme}: ${id}, ${help} (${nodes.length}): ${nodes[0].html.slice(0, 140)}`);
  }
}

// Without scripts everything is still there to be read, stills instead of surfaces.
async function withoutScripts(address) {
  const browser = context.browser() ?? await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  const plain = await browser.newContext({ javaScriptEnabled: false });
  const page = await plain.newPage();
  await page.goto(address);
  check(await page.locator('.ledger tbody tr').first().isVisible(), 'the ledger needs scripts');
  check(await page.locator('.model img').first().isVisible(), 'the surfaces need scripts');
  check(!await page.locator('.tools').first().isVisible(), 'tools that need scripts are shown without');
  await plain.close();
  if (browser !== context.browser()) await browser.close();
}

async function shots(page, name) {
  if (!screenshots) return;
  mkdirSync(screenshots, { recursive: true });
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: join(screenshots, `${name}-top.png`) });
  for (const id of SECTIONS) {
    const section = page.locator(`#${id}`);
    await section.scrollIntoViewIfNeeded();
    await page.waitForTimeout(250);
    await section.screenshot({ path: join(screenshots, `${name}-${id}.png`) });
  }
}
