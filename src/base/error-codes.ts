/**
 * The codes of all errors, each with its meaning, whether it passes by itself, and what to do. This is the only
 * list: the type of the codes, `retryable`, `remedy` and `docs/errors.md` all come from it.
 *
 * Once released, a code stays: it is a promise.
 */

/** One code. */
export interface ErrorRule {
  /** When this error comes, as a sentence. */
  readonly meaning: string;
  /** Whether it passes by itself: the same call can succeed later, without a change by anybody. */
  readonly retryable: boolean;
  /** What to do, as a sentence or two. */
  readonly remedy: string;
}

export const ERRORS = {
  INVALID_SPACE: {
    meaning: '`defineSpace` got a name, a key or a schema that is none, or `own` and `follow` got no space.',
    retryable: false,
    remedy: 'Correct the definition: the message says what was expected.',
  },
  INVALID_OPTION: {
    meaning: 'An option or an argument has the wrong form.',
    retryable: false,
    remedy: 'Correct the call: the message names the option, and says what was expected.',
  },
  INVALID_POSITION: {
    meaning: 'A position is not `epoch-revision`.',
    retryable: false,
    remedy: 'Pass a position as a reading, `head`, `flush` or an `ETag` gave it.',
  },
  UNKNOWN_KEY: {
    meaning: 'The space does not define the key.',
    retryable: false,
    remedy: 'Define the key or its family in `defineSpace`, in both processes, or correct its spelling.',
  },
  INVALID_VALUE: {
    meaning:
      'The schema refused a value. At `set` nothing was set; at a follower the key has no value to show.',
    retryable: false,
    remedy:
      'Set a value that fits: `issues` lists each place. At a follower, the two processes have different schemas: see docs/schemas.md.',
  },
  NOT_JSON: {
    meaning: 'JSON cannot carry the value. Nothing was set.',
    retryable: false,
    remedy:
      'Set plain objects, arrays, finite numbers, strings, booleans and null: `issues` lists each place.',
  },
  TOO_LARGE: {
    meaning: 'A key or a value is over the limit of Tandem, or over one that this Redis has.',
    retryable: false,
    remedy:
      'Split the value over several keys, or raise the limit of the Redis server that the message names.',
  },
  INVALID_BATCH: {
    meaning: '`batch` got an asynchronous function.',
    retryable: false,
    remedy: 'Await first, and then set everything in a synchronous function.',
  },
  ALREADY_OWNED: {
    meaning: 'This process owns the space already.',
    retryable: false,
    remedy:
      'Share the one owner: `tandem.get(space)` has it. A space has one owner in a process. To remove the space, stop its owner first.',
  },
  OWNED_ELSEWHERE: {
    meaning: 'Another process owns the space: it lives, and renews its lease. `owner` has its name.',
    retryable: false,
    remedy:
      'Let one of the two follow. To wait for the other to end, own with `standby: true`; to have the space at once, with `takeOver: true`, which fences the other. To remove the space, stop its owner first. Where it is in the same process, since a hot reload has loaded a module twice, keep the one instance on `globalThis`.',
  },
  STANDBY: {
    meaning: '`set`, `delete` or `batch` was called on a standby that does not lead yet.',
    retryable: true,
    remedy: 'Await `ready()`, or listen for the event `ownership` with `leading`, before you set anything.',
  },
  FENCED: {
    meaning: 'Another owner has claimed a higher epoch. This one has ended, and nothing more can be set.',
    retryable: false,
    remedy:
      'Treat what the `fenced` event lists as not done. End the process, or stand by with a new `own`: the other one leads now.',
  },
  STOPPED: {
    meaning: 'The participant, or the whole Tandem, has stopped.',
    retryable: false,
    remedy: 'Call `own` or `follow` again, on a new `connect` where all of it was stopped.',
  },
  REMOVED: {
    meaning: 'Somebody has removed the space with `remove`. Its followers have ended.',
    retryable: false,
    remedy:
      'Treat the space as gone. Follow it anew where it may come again, by name or by `discover`: also an owner that was cut off has it again when it comes back.',
  },
  NO_REDIS: {
    meaning:
      'Something was asked of a process that follows others upstream, which only a process with Redis can do.',
    retryable: false,
    remedy: 'Do it in a process that is connected with `redis`.',
  },
  TIMEOUT: {
    meaning: 'A deadline of the caller has passed. Nothing was undone, and what was set still goes out.',
    retryable: true,
    remedy: 'Read what stood in the way: the message says it, and `cause` has the error, where there is one.',
  },
  INVALID_FRAME: {
    meaning:
      'A message, a page or a reply arrived that cannot be used. It was dropped, and the state read anew.',
    retryable: true,
    remedy: 'If it comes again, find who else publishes to the channels of the space, or writes to its keys.',
  },
  UNKNOWN_VERSION: {
    meaning: 'A message, or the keys, are of a version of the wire that this process does not read.',
    retryable: false,
    remedy: 'Upgrade the older process: followers first, then owners. See docs/upgrading.md.',
  },
  KEYS_LOST: {
    meaning: 'Redis has lost keys of the state: evicted, deleted by hand, or gone with a restart.',
    retryable: true,
    remedy:
      'A living owner puts them back. Set `maxmemory-policy noeviction`, and keep other programs off the keys.',
  },
  WRONG_TYPE: {
    meaning: 'A key of the space has another type in Redis. Its owner replaces it.',
    retryable: true,
    remedy: 'Find the program that writes to the key: the message names the key.',
  },
  ROLLED_BACK: {
    meaning: 'Redis, or the owner, is behind a position that this process has already seen.',
    retryable: true,
    remedy:
      'The living owner repairs it. If it lasts, no owner lives: Redis came back without its last writes, so start the owner.',
  },
  HEAD_MOVED: {
    meaning: 'The content of Redis changed while a process read it, repaired it or committed to it.',
    retryable: true,
    remedy:
      'Nothing: the process tries again. If it lasts, look for another program that writes to the keys.',
  },
  HISTORY_OFF: {
    meaning: 'What was set before was asked for, and nobody has kept it.',
    retryable: false,
    remedy: 'Own the space with `history: { maxChanges, maxAgeMs }`: it is kept from then on.',
  },
  CONTENT_MISMATCH: {
    meaning:
      'Keys in Redis differ from what the owner set, or a follower from its owner. It was found, and is mended.',
    retryable: true,
    remedy: 'Find who else writes to the keys of the space, or publishes to its channels.',
  },
  CALLBACK_FAILED: {
    meaning: 'A callback of yours threw, or rejected. Nothing else was disturbed.',
    retryable: false,
    remedy: 'Mend the callback: `cause` has what it threw.',
  },
  REDIS_UNAVAILABLE: {
    meaning: 'Redis has no connection, lost it, or gave no answer in time. A call may have been carried out.',
    retryable: true,
    remedy:
      'Check the address and the network. The connection comes back by itself. Where Redis is far away, raise `connectTimeoutMs` and `commandTimeoutMs`.',
  },
  CREDENTIALS_FAILED: {
    meaning:
      'The function that gives a user and a password, or the headers of a client, failed, gave none, or took too long.',
    retryable: true,
    remedy: 'Mend the function, or what it asks. It is asked again at the next try to connect.',
  },
  REDIS_NOT_READY: {
    meaning: 'Redis answered that it cannot now (LOADING, OOM, READONLY…). Nothing was applied.',
    retryable: true,
    remedy: 'Wait while Redis loads or fails over. For OOM or MISCONF, give it memory or disk.',
  },
  REDIS_REFUSED: {
    meaning: 'Redis refused the command (WRONGPASS, NOPERM, an unknown command…). Nothing was applied.',
    retryable: false,
    remedy:
      'Correct the password, the permissions of the user, or the server: the message has what Redis said.',
  },
  SERVER_UNAVAILABLE: {
    meaning:
      'The server of a `tandem-sync/client` does not answer, is silent, or sends something unreadable.',
    retryable: true,
    remedy: 'Check `url` and the network. The client tries again by itself.',
  },
  SERVER_REFUSED: {
    meaning: 'The server of a `tandem-sync/client` refused the request as wrong. The client has ended.',
    retryable: false,
    remedy: 'Check `url`, `space` and `headers`: the message has what the server said.',
  },
  DIRECT_UNAVAILABLE: {
    meaning: 'The owner does not answer on the direct path, or sends something unreadable.',
    retryable: true,
    remedy:
      'Check `direct.url`, and that the owner mounts `directRouter`. The follower tries again by itself.',
  },
  DIRECT_REFUSED: {
    meaning: 'The owner refused the token of the direct path.',
    retryable: false,
    remedy: 'Give `directRouter` and `direct` the same token.',
  },
  STALENESS_BOUND: {
    meaning:
      'A warning: `maxStaleMs` is too short for the heartbeat of the owner, so readings are stale at times.',
    retryable: false,
    remedy: 'Set `maxStaleMs` above two heartbeats, or lower the `heartbeatMs` of the owner.',
  },
  NOT_SHARDED: {
    meaning: 'A warning: a node of a Cluster is older than Redis 7, and publishes to all nodes.',
    retryable: false,
    remedy: 'Upgrade the nodes to Redis 7 or later. All goes on without; the bus carries more.',
  },
  EVICTION_POLICY: {
    meaning: 'A warning: Redis evicts keys when its memory is full.',
    retryable: false,
    remedy: 'Set `maxmemory-policy noeviction` on the server.',
  },
} as const satisfies Readonly<Record<string, ErrorRule>>;

/** The stable code of an error. `docs/errors.md` has each code with its meaning, and what to do. */
export type ErrorCode = keyof typeof ERRORS;
