// Judges slices at a review desk in headless Chromium, by key, as a reviewer does.
//
//   node desk.mjs PROGRAM DIR NODE_MODULES [SCREENSHOTS]
//
// DIR is what `run` left. NODE_MODULES holds playwright-core and axe-core. Prints a line for each
// failure and exits with 1 when there is one.

import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const [program, dir, modules, screenshots] = process.argv.slice(2);
const require = createRequire(join(resolve(modules), 'desk.cjs'));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const csv = join(dir, 'review', 'verdicts.csv');

let failures = 0;
const check = (holds, what) => {
  if (holds) return;
  failures += 1;
  console.log(`FAILED: ${what}`);
};

// Starts a desk; gives its process and the address that it prints.
const opened = () => new Promise((done, failed) => {
  const child = spawn(program, ['review', dir, '--no-open', '--threads', '1'], { stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.once('data', text => done({ child, address: String(text).trim() }));
  child.once('exit', code => failed(new Error(`the desk ended with ${code}`)));
});
const killed = child => new Promise(done => {
  child.removeAllListeners('exit');
  child.once('exit', done);
  child.kill('SIGKILL');
});

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
  .find(path => existsSync(path));
const profile = mkdtempSync(join(tmpdir(), 'hardslice-desk-'));
const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  headless: true,
  viewport: { width: 1280, height: 800 },
  locale: 'en-GB',
  // WebGL by software, for the surface.
  args: ['--no-sandbox', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
});
const rows = () => readFileSync(csv, 'utf8').trim().split('\n').slice(1);
let desk = await opened();

try {
  const page = context.pages()[0] ?? await context.newPage();
  page.setDefaultTimeout(60000);
  page.on('request', request => {
    const { host } = new URL(request.url());
    check(request.url() === 'about:blank' || host === new URL(desk.address).host, `another host is asked: ${request.url().slice(0, 80)}`);
  });
  page.on('console', message => {
    check(!['error', 'warning'].includes(message.type()), `the console says: ${message.text()}`);
  });
  page.on('pageerror', error => check(false, `the script fails: ${error}`));

  const picture = async (selector) => {
    await page.waitForFunction(one => {
      const image = document.querySelector(one);
      return image && image.complete && image.naturalWidth > 1;
    }, selector);
  };
  const shot = async name => {
    if (!screenshots) return;
    mkdirSync(screenshots, { recursive: true });
    await page.waitForFunction(() => [...document.images].filter(i => i.offsetParent && i.src).every(i => i.complete));
    await page.screenshot({ path: join(screenshots, `${name}.png`) });
  };
  const accessible = async where => {
    // The page's policy forbids inline scripts; this one is the tester's.
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run());
    for (const one of violations) {
      check(false, `axe, ${where}: ${one.id}: ${one.help} (${one.nodes.map(n => n.target).slice(0, 3).join('; ')})`);
    }
  };

  await page.goto(desk.address);
  check(!page.url().includes('token'), 'the token stays in the address');
  await page.waitForSelector('#grid li');
  await picture('#grid img');
  const all = await page.locator('#grid li').count();
  check(all > 3, `${all} slices on the light table`);
  await accessible('light table');
  await shot('light-table');

  // Without a name nothing is written.
  await page.click('#to-queue');
  await picture('#large');
  await page.keyboard.press('r');
  check(await page.locator('#message').isVisible(), 'a verdict without a name is taken');
  check(!existsSync(csv), 'a verdict without a name is written');
  await page.keyboard.press('Escape');
  await page.fill('#reviewer', 'Ada');
  await page.press('#reviewer', 'Enter');
  await page.click('#to-queue');

  // Ten by key; a verdict moves on, the reason is hidden before and shown after.
  const keys = ['r', 'w', 'a', 'b', 'r', 'r', 'w', 'r', 'r', 'r'];
  for (const [n, key] of keys.entries()) {
    const before = await page.textContent('#where');
    check((await page.textContent('#why')).includes('when you have judged'), 'the queue is not blind');
    if (n === 1) {
      await page.keyboard.press('n');
      await page.keyboard.type('cut off, "left" lobe');
      await page.keyboard.press('Escape');
    }
    if (n === 4) await shot('slice');
    const answered = page.waitForResponse(response => response.url().endsWith('/verdicts'));
    await page.keyboard.press(key);
    await answered;
    await page.waitForFunction(was => document.querySelector('#where').textContent !== was
      || document.querySelector('#what').textContent !== '', before);
  }
  await page.waitForFunction(() => document.querySelector('#progress').textContent.startsWith('10 of '));
  check(rows().length === 10, `${rows().length} rows after ten verdicts`);
  check(rows()[1].includes('"cut off, ""left"" lobe",Ada,'), `the note: ${rows()[1]}`);
  check(rows().every(row => row.endsWith(',true')), 'the queue is marked blind');

  // Neighbours, window, toggles: another picture each.
  const source = () => page.getAttribute('#large', 'src');
  for (const key of ['ArrowUp', 'ArrowDown', '3', 't', 'p', 'f', 'd', 'z', '1']) {
    const was = await source();
    await page.keyboard.press(key);
    check(await source() !== was, `${key} changes nothing`);
    await picture('#large');
  }
  await page.hover('#large');
  const was = await source();
  await page.mouse.wheel(0, -100);
  await page.waitForFunction(old => document.querySelector('#large').getAttribute('src') !== old, was);
  await accessible('slice');

  // The surface turns under the mouse, and the plane goes with the slice.
  await page.keyboard.press('s');
  await page.waitForFunction(() => Number(document.querySelector('#surface').dataset.meshes) >= 2);
  const look = async () => {
    await page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));
    return (await page.locator('#turning').screenshot()).toString('base64');
  };
  await page.locator('#turning').scrollIntoViewIfNeeded();
  const still = await look();
  const box = await page.locator('#turning').boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width / 2 + 90, box.y + box.height / 2 + 20, { steps: 5 });
  await page.mouse.up();
  const turned = await look();
  check(turned !== still, 'the surface does not turn');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.waitForFunction(() => document.querySelector('#where').textContent.includes('('));
  await page.waitForTimeout(1500);
  check(await look() !== turned, 'the plane does not go with the slice');
  check(!(await page.locator('#message').isVisible()), await page.textContent('#message'));
  await accessible('surface');
  await shot('surface');
  await page.keyboard.press('s');

  const undone = page.waitForResponse(response => response.url().endsWith('/undo'));
  await page.keyboard.press('u');
  await undone;
  check(rows().length === 11 && rows()[10].includes(',undone,'), 'undo is a row');

  // Killed and opened again, all of it is there.
  await page.goto('about:blank');
  await killed(desk.child);
  desk = await opened();
  await page.goto(desk.address);
  await page.waitForSelector('#grid li');
  await page.waitForFunction(() => document.querySelector('#progress').textContent.startsWith('9 of '));
  await page.selectOption('#f-verdict', 'wrong');
  await page.waitForFunction(() => document.querySelectorAll('#grid li').length <= 2);
  const wrong = await page.locator('#grid .tag.wrong').count();
  check(wrong === await page.locator('#grid li').count() && wrong > 0, `${wrong} wrong ones are found`);
  await page.selectOption('#f-verdict', '');

  // A slice outside the queue tells what every arm's net says; slices are found by arm.
  const hard = await page.locator('#grid li').count();
  await page.selectOption('#f-arm', { label: 'hard' });
  await page.waitForFunction(() => document.querySelectorAll('#grid li').length > 0);
  check(await page.locator('#grid li').count() <= hard, 'the filter by arm adds slices');
  await page.click('#grid li:first-child button');
  await page.waitForSelector('#arms td');
  check((await page.textContent('#arms')).includes('hard'), await page.textContent('#arms'));
  const ofMiner = await source();
  await page.selectOption('#v-net', 'hard');
  check(await source() !== ofMiner, 'another net draws the same picture');
  await picture('#large');
  await page.selectOption('#v-net', '');
  await page.keyboard.press('Escape');
  if (await page.locator('#slice').isVisible()) await page.click('#back');
  await page.selectOption('#f-arm', '');

  await page.click('#to-sums');
  check((await page.textContent('#sums')).includes('of'), 'there are no results');
  await accessible('results');
  await shot('results');

  await page.emulateMedia({ colorScheme: 'dark' });
  await page.click('#to-table');
  await picture('#grid img');
  await accessible('dark');
  await shot('light-table-dark');
  await page.setViewportSize({ width: 820, height: 1180 });
  await page.click('#grid li:first-child button');
  await picture('#large');
  check(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), 'a tablet scrolls sideways');
  await accessible('tablet');
  await shot('tablet');
  await page.selectOption('#language', 'de');
  check((await page.textContent('#to-queue')) === 'Beurteilen', 'German');
  await page.selectOption('#language', 'fr');
  check((await page.textContent('#to-queue')) === 'Juger', 'French');
} catch (error) {
  check(false, `${error}`);
} finally {
  await context.close();
  await killed(desk.child);
  rmSync(profile, { recursive: true, force: true });
}
process.exit(failures ? 1 : 0);
