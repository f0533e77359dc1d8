/**
 * The live page: a few files, served as they are. Its addresses are relative, so that it can be mounted
 * anywhere. Its content security policy forbids other origins, inline scripts and `eval`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Router } from '@koa/router';
import type { Context } from 'koa';
import { Problem } from '../problem.ts';

const FOLDER = new URL('browser/', import.meta.url);
/** The folder of the installed chart library. */
const CHARTS = dirname(createRequire(import.meta.url).resolve('uplot'));

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
};

/** The files that can be requested, and their paths. Every other name is a 404. */
const FILES: Readonly<Record<string, string | URL>> = {
  'uPlot.js': join(CHARTS, 'uPlot.esm.js'),
  'uPlot.css': join(CHARTS, 'uPlot.min.css'),
  ...Object.fromEntries(
    readdirSync(FOLDER)
      .filter((name) => /\.(js|css)$/.test(name))
      .map((name) => [name, new URL(name, FOLDER)]),
  ),
};

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ');

export function servePage(router: Router): void {
  router.get('/', answerPage);
  router.get('/page/:file', (ctx) => {
    const { file = '' } = ctx.params;
    const path = Object.hasOwn(FILES, file) ? FILES[file] : undefined;
    if (path === undefined) throw new Problem('NOT_FOUND', `the page has no file ${JSON.stringify(file)}`);
    answerFile(ctx, path, file.slice(file.lastIndexOf('.') + 1));
  });
}

function answerPage(ctx: Context): void {
  const [path = '', query] = ctx.originalUrl.split('?');
  // Relative addresses resolve against the last slash of the path, so the page needs one at its end.
  if (!path.endsWith('/')) {
    ctx.status = 308;
    const last = path.slice(path.lastIndexOf('/') + 1);
    ctx.set('Location', `./${last}/${query === undefined ? '' : `?${query}`}`);
    return;
  }
  answerFile(ctx, new URL('index.html', FOLDER), 'html');
}

function answerFile(ctx: Context, path: string | URL, extension: string): void {
  ctx.set({
    'Cache-Control': 'no-cache',
    'Content-Security-Policy': POLICY,
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  });
  ctx.type = TYPES[extension]!;
  ctx.body = readFileSync(path);
}
