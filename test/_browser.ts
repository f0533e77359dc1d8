/** A real Chromium, headless, for what people see. */
import type { ExecutionContext } from 'ava';
import test from 'ava';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { chromium } from 'playwright-core';
import { onPath } from './_on-path.ts';
import { noServer } from './_redis-server.ts';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** `CHROMIUM` names one; else the first on the PATH. */
const program = process.env.CHROMIUM ?? NAMES.map(onPath).find((path) => path !== undefined);

/** Why tests that need one are skipped, for their titles. */
const noBrowser = program === undefined ? `no ${NAMES[0]} on the PATH, and CHROMIUM is not set` : undefined;

if (program === undefined && process.env.CI)
  throw new Error('CI needs a chromium on the PATH: no test is skipped there');

/** Tests in the browser, on a real Redis: one after the other, and skipped, with the reason, where one is missing. */
export function inBrowser(title: string, run: (t: ExecutionContext) => Promise<void>): void {
  const why = noServer ?? noBrowser;
  if (why === undefined) test.serial(title, run);
  else test.skip(`${title} (skipped: ${why})`, run);
}

let browser: Promise<Browser> | undefined;

/** A page of a browser of its own, and what went wrong on it: errors, and requests that left its origin. */
export async function openPage(t: ExecutionContext, url: string, options: BrowserContextOptions = {}) {
  // Without a sandbox of its own, since tests may run as root; it opens our own page alone.
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
