/** How a process of the demo ends: by a signal, with its parent, or with a line that says what to do. */
import { logEvent } from './log.ts';

/** Runs `stop` once, at SIGTERM, at SIGINT, or when the parent process is gone. Then exits with 0. */
export function onEnd(stop: () => Promise<void>): void {
  let isEnding = false;
  const end = (why: string): void => {
    if (isEnding) return;
    isEnding = true;
    logEvent('stop', { why });
    stop().then(
      () => process.exit(0),
      (error: unknown) => giveUp(String(error)),
    );
  };
  process.on('SIGTERM', () => end('SIGTERM'));
  process.on('SIGINT', () => end('SIGINT'));
  if (process.connected) process.on('disconnect', () => end('the parent process is gone'));
  process.stdout.on('error', () => end('nobody reads stdout any more'));
  process.stderr.on('error', () => {});
}

/** Ends the process. The last line on stderr tells people what is wrong and what to do. */
export function giveUp(line: string, exitCode = 1): never {
  console.error(line);
  process.exit(exitCode);
}
