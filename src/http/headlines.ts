/**
 * The headlines: everything that a diagnosis can say of a space, whose fault each is, and what to do first. This is
 * the only list. Each headline has a section under its name in `docs/on-call.md`, and a test holds that complete.
 *
 * Once released, a name stays: links lead to it. The sentences are for people, and may change.
 */

/**
 * The part that has failed: Redis, the owner, what a process without Redis follows (`upstream`), or this process
 * (`us`); `nobody` when all is well.
 */
export type Culprit = 'nobody' | 'redis' | 'owner' | 'upstream' | 'us';

interface HeadlineRule {
  readonly culprit: Culprit;
  /** Each form of the headline, in one or two sentences. */
  readonly says: Readonly<Record<string, string>>;
  /** What to do first, as a sentence; empty where there is nothing to do. */
  readonly next: string;
}

export const HEADLINES = {
  'all-well': {
    culprit: 'nobody',
    says: {
      follower: 'All is well. The state is live.',
      owner: 'All is well. Redis accepts every change.',
    },
    next: '',
  },
  'live-direct': {
    culprit: 'nobody',
    says: { follower: 'The state is live, directly from its owner.' },
    next: '',
  },
  'redis-out': {
    culprit: 'redis',
    says: {
      owner: 'Redis is out. This process keeps all changes and commits them when Redis is back.',
      direct: 'Redis is out. The state is still live, directly from its owner.',
      recent: 'Redis is out. The state is from a moment ago.',
      nothing: 'Redis is out. This process has not read any state yet.',
      old: 'Redis is out. This is the last known state; it may be old.',
    },
    next: 'Bring Redis back, or the network to it. Restart neither this process nor the owner.',
  },
  'redis-unusable': {
    culprit: 'redis',
    says: {
      owner: 'Redis answers, but does not accept the changes. This process keeps trying.',
      direct: 'Redis answers, but cannot be followed. The state is still live, directly from its owner.',
      recent: 'Redis answers, but cannot be followed. The state is from a moment ago.',
      nothing: 'Redis answers, but cannot be followed. This process has not read any state yet.',
      old: 'Redis answers, but cannot be followed. This is the last known state; it may be old.',
    },
    next: 'Run `npx tandem-sync doctor`: it names what Redis refuses, and the command that mends it.',
  },
  'upstream-out': {
    culprit: 'upstream',
    says: {
      recent: 'No process upstream serves this space. The state is from a moment ago.',
      nothing: 'No process upstream serves this space. This process has not read any state yet.',
      old: 'No process upstream serves this space. This is the last known state; it may be old.',
    },
    next: 'Look at the processes upstream: each of them says what it lacks. The reason here names the last one asked.',
  },
  'catching-up': {
    culprit: 'redis',
    says: {
      follower: 'This process is catching up: it reads the changes from Redis.',
      owner: 'Redis is back. This process is bringing it up to date.',
      waits: 'Redis is back. This process waits for the next sign of the owner.',
    },
    next: 'Wait a moment. Where it lasts, run `npx tandem-sync doctor`.',
  },
  'owner-silent': {
    culprit: 'owner',
    says: {
      follower: 'The owner holds its lease, but is silent. Redis and this process are well.',
      upstream: 'The owner holds its lease, but is silent. This process hears the one upstream.',
    },
    next: 'Look at the process of the owner: it is stopped, blocked, or cut off from Redis.',
  },
  'owner-gone': {
    culprit: 'owner',
    says: {
      follower: 'The owner is gone: its lease has run out. Redis and this process are well.',
      upstream: 'The owner is gone: its lease has run out. This process hears the one upstream.',
    },
    next: 'Start the owner again, or find out why its supervisor does not.',
  },
  'owner-released': {
    culprit: 'owner',
    says: {
      follower:
        'The owner has stopped and released the space: this is all that it set. Redis and this process are well.',
      upstream: 'The owner has stopped and released the space: this is all that it set.',
    },
    next: 'Where the owner should run, start it. After a planned stop there is nothing to do.',
  },
  'no-owner-yet': {
    culprit: 'owner',
    says: { follower: 'Nobody has owned this space yet. Redis and this process are well.' },
    next: 'Start the owner, and compare its Redis, prefix and name of the space with the ones here.',
  },
  fenced: {
    culprit: 'us',
    says: { owner: 'Another process now owns this space. This process writes no more.' },
    next: 'End this process, unless it is the one that should own the space: then stop the other first.',
  },
  stopped: {
    culprit: 'us',
    says: {
      follower: 'This process has stopped following the space.',
      owner: 'This process has stopped owning the space.',
      lost: 'This process has stopped owning the space, and Redis has not confirmed all of its changes.',
      released: 'This process has stopped, and released the space: Redis holds all of its changes.',
    },
    next: 'Start this process again where it should run.',
  },
  removed: {
    culprit: 'nobody',
    says: { follower: 'The space was removed.' },
    next: '',
  },
  'not-followed': {
    culprit: 'us',
    says: { nobody: 'This process neither owns nor follows this space.' },
    next: 'Correct the name in `requires`, or let this process follow the space.',
  },
} as const satisfies Readonly<Record<string, HeadlineRule>>;

/** The name of a headline: stable. */
export type Headline = keyof typeof HEADLINES;

/** What a diagnosis says. */
export interface Words {
  readonly culprit: Culprit;
  readonly headline: Headline;
  /** One or two sentences, for people. */
  readonly summary: string;
  /** What to do first; empty where there is nothing to do. */
  readonly next: string;
}

/** The words of a headline in one of its forms. */
export function wordsOf<H extends Headline>(headline: H, form: keyof (typeof HEADLINES)[H]['says']): Words {
  const { culprit, says, next } = HEADLINES[headline];
  return { culprit, headline, summary: says[form as keyof typeof says], next };
}
