/** A real, headless Chromium for tests of the page. */
import type { ExecutionContext } from 'ava';
import test from 'ava';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { chromium } from 'playwright-core';
import { onPath } from './_on-path.ts';
import { LONGEST_TEST_MS } from './_real.ts';
import { noServer } from './_redis-server.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** The environment variable `CHROMIUM` names the program. Without it, the first one on the PATH is taken. */
const program = process.env.CHROMIUM ?? NAMES.map(onPath).find((path) => path !== undefined);

/** Why browser tests are skipped, for their titles; `undefined` where a browser is installed. */
const noBrowser = program === undefined ? `no ${NAMES[0]} on the PATH, and CHROMIUM is not set` : undefined;

if (program === undefined && process.env.CI)
  throw new Error('CI needs a chromium on the PATH: CI skips no test');

/**
 * Declares a serial test that needs a browser and a real Redis. Where either is missing, the test is skipped
 * with the reason.
 */
export function inBrowser(title: string, run: (t: ExecutionContext) => Promise<void>): void {
  const why = noServer ?? noBrowser;
  if (why !== undefined) return test.skip(`${title} (skipped: ${why})`, run);
  test.serial(title, (t) => {
    t.timeout(LONGEST_TEST_MS);
    return run(t);
  });
}

let browser: Promise<Browser> | undefined;

/**
 * Opens a page in a browser context of its own. `troubles` collects errors, warnings, and requests that left
 * the page's origin.
 */
export async function openPage(t: ExecutionContext, url: string, options: BrowserContextOptions = {}) {
  // Chromium's sandbox does not start for root, and tests may run as root. The browser opens only our own
  // page.
  browser ??= chromium.launch({ executablePath: program!, args: ['--no-sandbox'] });
  const context = await (await browser).newContext(options);
  t.teardown(() => context.close());
  const page: Page = await context.newPage();
  const troubles: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') troubles.push(message.text());
  });
  page.on('pageerror', (error) => troubles.push(String(error)));
  const { origin } = new URL(url);
  page.on('request', (request) => {
    const asked = request.url();
    if (!asked.startsWith(`${origin}/`) && !asked.startsWith('data:')) troubles.push(`request to ${asked}`);
  });
  await page.goto(url);
  return { page, troubles };
}

export async function closeBrowser(): Promise<void> {
  await (await browser)?.close();
}
