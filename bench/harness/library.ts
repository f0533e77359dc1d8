/**
 * The library that a benchmark measures: this tree's, or with BENCH_LIBRARY the one in the folder of another
 * tree. So this tree's benchmarks can measure an older library with a row that the older benchmarks do not
 * have yet.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type * as Index from '../../src/index.ts';
import type * as Koa from '../../src/koa.ts';

const root = process.env.BENCH_LIBRARY ?? resolve(import.meta.dirname, '../..');

function entry(name: string): Promise<unknown> {
  return import(pathToFileURL(resolve(root, 'src', name)).href);
}

export const { connect, defineSpace, json } = (await entry('index.ts')) as typeof Index;

/** Loaded when asked for: a process that needs no routes is measured without Koa. */
export async function routers(): Promise<typeof Koa> {
  // Older libraries have one entry for everything.
  const name = existsSync(resolve(root, 'src/koa.ts')) ? 'koa.ts' : 'index.ts';
  return (await entry(name)) as typeof Koa;
}
