/** All benchmarks, in the order of the figures. */
import { cluster } from './cluster.ts';
import { direct } from './direct.ts';
import { fanOut } from './fan-out.ts';
import type { Benchmark } from './harness/benchmark.ts';
import { fleet } from './fleet.ts';
import { hotKey } from './hot-key.ts';
import { idle } from './idle.ts';
import { isolation } from './isolation.ts';
import { latency } from './latency.ts';
import { memory } from './memory.ts';
import { peers } from './peers.ts';
import { resume } from './resume.ts';
import { setGet } from './set-get.ts';
import { size } from './size.ts';
import { throughput } from './throughput.ts';

export const benchmarks: readonly Benchmark[] = [
  latency,
  direct,
  peers,
  throughput,
  hotKey,
  setGet,
  isolation,
  resume,
  memory,
  idle,
  fleet,
  fanOut,
  cluster,
  size,
];
