/** One world of real processes: a Redis behind proxies, an owner, a standby, followers, and their history. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Event, EventOf, History } from '../history/event.ts';
import { Random } from '../simulation/random.ts';
import { space } from '../simulation/space.ts';
import { freePort } from '../_free-port.ts';
import { World } from '../_world.ts';
import type { FollowerTask, OwnerTask } from './orders.ts';
import { TOKEN } from './orders.ts';
import { Part } from './part.ts';
import { now, readHistory, Recorder, watchStalls } from './recorder.ts';

export type OwnerPart = Part<OwnerTask>;
export type FollowerPart = Part<FollowerTask>;

/** A place for owners. Its address outlives their processes. */
interface Site {
  readonly name: string;
  readonly port: number;
}

export class Scene {
  readonly random: Random;
  readonly world: World;
  readonly folder: string;
  readonly #sites: readonly Site[];
  readonly #recorder: Recorder;
  /** The owner that was last started at each site. */
  readonly #owners = new Map<number, OwnerPart>();
  readonly #followers = new Map<string, FollowerPart>();
  readonly #unwatch: () => void;
  #births = 0;
  #isOver = false;

  private constructor(seed: number, world: World, sites: readonly Site[]) {
    this.random = new Random(seed);
    this.world = world;
    this.#sites = sites;
    this.folder = mkdtempSync(join(tmpdir(), `tandem-chaos-${seed}-`));
    this.#recorder = new Recorder(join(this.folder, 'scene.ndjson'));
    this.#unwatch = watchStalls(this.#recorder);
  }

  static async start(seed: number): Promise<Scene> {
    const world = await World.start(space.name);
    const sites = await Promise.all(
      ['alpha', 'beta'].map(async (name) => ({ name, port: await freePort() })),
    );
    const scene = new Scene(seed, world, sites);
    const { random } = scene;
    const parts: Part[] = [scene.startOwner(0, 'claims'), scene.startOwner(1, 'stands by')];
    parts.push(scene.startFollower('plain'), scene.startFollower('fallback', 0));
    if (random.chance(0.5)) parts.push(scene.startFollower('always', random.pick([0, 1]), 'always'));
    await Promise.all(parts.map((part) => part.born()));
    return scene;
  }

  get owners(): OwnerPart[] {
    return [...this.#owners.values()];
  }

  get followers(): FollowerPart[] {
    return [...this.#followers.values()];
  }

  /** The present leader. Of two owners that both believe they lead, the one that was started last. */
  get leader(): OwnerPart | undefined {
    return this.owners.findLast(({ isLeading, isPaused }) => isLeading && !isPaused);
  }

  get standby(): OwnerPart | undefined {
    return this.owners.find(({ isStandby, isPaused }) => isStandby && !isPaused);
  }

  startOwner(site: number, how: OwnerTask['how']): OwnerPart {
    const { name, port } = this.#sites[site]!;
    // The standby takes another path than the owner, so that it can take over when the owner is cut off.
    const redis = site === 0 ? this.world.owner.url : this.world.followers.url;
    const owner = new Part<OwnerTask>({ ...this.#task(name), redis, port, site, how }, this.#surprised);
    this.#owners.delete(site);
    this.#owners.set(site, owner);
    return owner;
  }

  startFollower(name: string, site?: number, mode: 'fallback' | 'always' = 'fallback'): FollowerPart {
    const url = site === undefined ? undefined : `http://127.0.0.1:${this.#sites[site]!.port}`;
    const direct = url === undefined ? undefined : { url, token: TOKEN, mode };
    return this.#follow(name, direct);
  }

  /** Starts another process in its place. */
  async restart(part: Part): Promise<void> {
    await part.kill();
    if (this.#isOver) return;
    const started = 'site' in part.task ? this.#replace(part.task) : this.#refollow(part as FollowerPart);
    await started?.born();
  }

  /** Starts another owner in its place, which takes over from the one that lives. */
  async takeOver({ task: { site } }: OwnerPart): Promise<void> {
    if (this.#isOver || this.#owners.get(site)!.isAlive) return;
    await this.startOwner(site, 'takes over').born();
  }

  record(event: Event): void {
    this.#recorder.write(event);
  }

  async kill(part: Part): Promise<void> {
    await part.kill();
    const at = now();
    if (part.isOwner) this.record({ type: 'ended', at, owner: part.id, how: 'killed' });
    else this.record({ type: 'unfollows', at, follower: part.id });
  }

  note<T extends Event['type']>(type: T, more: Omit<EventOf<T>, 'type' | 'at'>): void {
    this.record({ type, at: now(), ...more } as unknown as Event);
  }

  /** Stops all processes, and returns their history. */
  async stop(): Promise<History> {
    this.#isOver = true;
    this.#unwatch();
    await Promise.all([...this.owners, ...this.followers].map((part) => part.stop()));
    await this.world.stop();
    return readHistory(this.folder);
  }

  forget(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  #replace({ site }: OwnerTask): OwnerPart | undefined {
    if (this.#owners.get(site)!.isAlive) return undefined;
    const isAlone = !this.owners.some(({ isAlive }) => isAlive);
    return this.startOwner(site, !isAlone || this.random.chance(0.5) ? 'stands by' : 'claims');
  }

  #refollow(old: FollowerPart): FollowerPart | undefined {
    const name = old.id.split('#')[0]!;
    if (this.#followers.get(name) !== old) return undefined;
    return this.#follow(name, old.task.direct);
  }

  #follow(name: string, direct: FollowerTask['direct']): FollowerPart {
    const task = { ...this.#task(name), redis: this.world.followers.url, direct };
    const follower = new Part<FollowerTask>(task, this.#surprised);
    this.#followers.set(name, follower);
    return follower;
  }

  #task(name: string): { id: string; file: string; seed: number } {
    this.#births += 1;
    const id = `${name}#${this.#births}`;
    return { id, file: join(this.folder, `${id}.ndjson`), seed: this.random.whole(0, 2 ** 31) };
  }

  readonly #surprised = (what: string): void => this.note('broken', { what });
}
