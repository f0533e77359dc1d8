/** What is to be said about the keys of a space. Pure. */
import type { Head } from '../ports/store.ts';
import { printPosition } from '../state/position.ts';
import { inWords } from './duration.ts';
import type { Finding } from './finding.ts';
import { ownerOf } from './space-summary.ts';

export interface SpaceFacts {
  readonly space: string;
  readonly head: Head;
  /** The names of its keys: meta, state, index, lease, times, history, then those of a large turn, then those that are staged. */
  readonly names: readonly string[];
  /** By key: the rest of its life, ms; -1 without an end, -2 where there is no such key. */
  readonly lives: readonly number[];
  /** The number of fields of `state`, and of members of `index`; null where it has another type. */
  readonly values: number | null;
  readonly indexed: number | null;
  /** The number of keys that the index led to, and that have a value. */
  readonly reached: number;
  /** Keys whose value is no JSON, a few of them. */
  readonly unreadable: readonly string[];
  /** The fields `size` and `indexed` of `meta`. */
  readonly size: number;
  readonly indexSize: number;
}

const LEASE = 3;
/** A follower's doubt is news for so long, ms. */
const DOUBT_MS = 60_000;

export function spaceFindings(facts: SpaceFacts): Finding[] {
  const { space, head } = facts;
  if (head.fence === 0 && head.wrongTypes.length === 0 && !head.keysLost) {
    const found = 'there is no such space';
    const meaning = 'Nobody has ever owned it under this prefix, or all of its keys are gone.';
    const remedy = 'tandem-sync ls lists the spaces; start the owner';
    return [{ severity: 'bad', check: 'space', space, found, meaning, remedy }];
  }
  const problems = [...types(facts), ...counts(facts), ...values(facts), ...lives(facts), ...doubt(facts)];
  const found = `${head.size} keys at ${printPosition(head)}`;
  const whole: Finding[] = problems.length === 0 ? [{ severity: 'good', check: 'keys', space, found }] : [];
  return [...owner(facts), ...whole, ...problems];
}

function owner({ space, head }: SpaceFacts): Finding[] {
  const state = ownerOf(head);
  const name = head.ownerName === '' ? '' : ` (${head.ownerName})`;
  const check = 'owner';
  if (state === 'alive') {
    const lease =
      head.leaseMs === Infinity ? 'a lease without an end' : `${inWords(head.leaseMs)} of its lease left`;
    const silence = head.now - head.cutAt;
    const isSilent = head.cutAt > 0 && head.leaseAskedMs > 0 && silence > head.leaseAskedMs + 1_000;
    const found = `alive${name}, ${lease}`;
    if (!isSilent) return [{ severity: 'good', check, space, found }];
    const meaning = `Its last commit was ${inWords(silence)} ago, though it holds the lease: it is still claiming, or is held up.`;
    return [{ severity: 'warning', check, space, found, meaning, remedy: 'look at the owner’s log' }];
  }
  if (state === 'released')
    return [{ severity: 'good', check, space, found: `released${name}, all was committed` }];
  const found = `lost${name}: its lease has run out, or it left changes uncommitted`;
  const meaning = 'Readings of this space say stale, and nobody sets it.';
  return [{ severity: 'warning', check, space, found, meaning, remedy: 'start the owner' }];
}

function types({ space, head }: SpaceFacts): Finding[] {
  return head.wrongTypes.map(({ key, found, expected }) => ({
    severity: 'bad',
    check: 'types',
    space,
    found: `${key} is a ${found}, expected a ${expected}`,
    meaning: 'Somebody else has written this key. It counts as absent, until an owner replaces it.',
    remedy: `redis-cli UNLINK '${key}'; the owner puts its state back`,
  }));
}

function counts({ space, head, values, indexed, size, indexSize, reached, names }: SpaceFacts): Finding[] {
  const check = 'counts';
  const repair =
    ownerOf(head) === 'alive'
      ? 'the owner repairs it by itself; if this stays, restart the owner'
      : 'start the owner with all of its state; own(space, { start: "reset" }) begins anew';
  const of = (name: string, found: number | null, expected: number): Finding[] => {
    if (found === null || found === expected) return [];
    const isMore = found > expected;
    return [
      {
        severity: 'bad',
        check,
        space,
        found: `${name} has ${found} keys, meta says ${expected}`,
        meaning: isMore
          ? 'Somebody added keys: followers refuse the state until it is put right.'
          : 'Keys were lost: evicted, expired or deleted by hand. Followers refuse the state until it is put right.',
        remedy: repair,
      },
    ];
  };
  const findings = [...of(names[1] ?? 'state', values, size), ...of(names[2] ?? 'index', indexed, indexSize)];
  if (findings.length > 0) return findings;
  // The keys of a large turn lie beside, until they are settled.
  if (head.unsettled > 0) {
    const found = `${head.unsettled} keys of a large turn are not settled yet`;
    return [{ severity: 'note', check, space, found }];
  }
  if (head.keysLost) {
    const found = 'meta cannot be read, or names an epoch that nobody claimed';
    return [{ severity: 'bad', check, space, found, meaning: 'The state counts as lost.', remedy: repair }];
  }
  if (values === null || reached === values) return [];
  const found = `${values - reached} keys of ${names[1]} are not in ${names[2]}`;
  const meaning = 'Somebody has edited the keys: no reader finds these.';
  return [{ severity: 'bad', check, space, found, meaning, remedy: repair }];
}

function values({ space, unreadable, names }: SpaceFacts): Finding[] {
  if (unreadable.length === 0) return [];
  const [first = ''] = unreadable;
  const others = unreadable.length > 1 ? `, and ${unreadable.length - 1} more` : '';
  return [
    {
      severity: 'bad',
      check: 'values',
      space,
      found: `the value of "${first}" is no JSON${others}`,
      meaning: 'Somebody has written it by hand. Followers keep the last value of the key, as stale.',
      remedy: `the owner finds and rewrites it; else redis-cli HSET '${names[1]}' '${first}' <JSON>`,
    },
  ];
}

function lives({ space, head, names, lives }: SpaceFacts): Finding[] {
  return names.flatMap((name, at): Finding[] => {
    const life = lives[at] ?? -2;
    if (at === LEASE) {
      if (life !== -1) return [];
      const found = `${name} has no expiry`;
      const meaning = 'Somebody else wrote it, or took its expiry away. A new owner has to wait it out.';
      return [
        { severity: 'bad', check: 'lease', space, found, meaning, remedy: `redis-cli UNLINK '${name}'` },
      ];
    }
    if (life < 0 || head.removedAt > 0) return [];
    const found = `${name} expires in ${inWords(life)}`;
    const meaning = 'Somebody gave it an expiry. The state is lost then.';
    return [
      { severity: 'bad', check: 'expiry', space, found, meaning, remedy: `redis-cli PERSIST '${name}'` },
    ];
  });
}

function doubt({ space, head }: SpaceFacts): Finding[] {
  const ago = head.now - head.doubtedAt;
  if (head.doubtedAt === 0 || ago > DOUBT_MS) return [];
  const found = `${inWords(ago)} ago a follower said that the keys are not the owner’s state`;
  const meaning = 'The owner compares its keys then, and puts them right. Somebody may be editing them.';
  return [
    { severity: 'warning', check: 'content', space, found, meaning, remedy: 'find who else writes there' },
  ];
}
