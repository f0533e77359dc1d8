/** What a run was made on: its figures mean little elsewhere, its ratios more. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';

/** Libraries whose versions are stated. */
const LIBRARIES = ['ioredis', '@redis/client', '@nats-io/kv', 'etcd3', 'hdr-histogram-js'];

export function describeMachine(): Record<string, string> {
  return {
    date: new Date().toISOString(),
    cpu: `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    os: `${process.platform} ${release()}`,
    node: process.version,
    ...Object.fromEntries(LIBRARIES.map((name) => [name, versionOf(name)])),
    redis: said('redis-server', '--version'),
    nats: said('nats-server', '--version'),
    etcd: said('etcd', '--version'),
  };
}

export function inOneLine(machine: Readonly<Record<string, string>>): string {
  return Object.entries(machine)
    .map(([name, value]) => `${name} ${value}`)
    .join(' · ');
}

function versionOf(library: string): string {
  const file = new URL(`../../node_modules/${library}/package.json`, import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

function said(program: string, option: string): string {
  const { stdout } = spawnSync(program, [option], { encoding: 'utf8' });
  return /v?=?(\d+\.\d+\.\d+)/.exec(stdout ?? '')?.[1] ?? 'not installed';
}
