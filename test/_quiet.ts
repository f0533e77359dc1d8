/**
 * Keeps the lines of Tandem's log off the terminal: most tests break things, and listen for no error. `LOG=1` shows
 * them. A test that looks at stderr sees them all the same.
 */
const LINE = /^\d{4}-\d\d-\d\dT[\d:.]+Z tandem (INFO|WARN|ERROR) /;

if (process.env['LOG'] === undefined) {
  const { stderr } = process;
  const write = stderr.write.bind(stderr) as (...args: unknown[]) => boolean;
  stderr.write = (chunk: string | Uint8Array, ...rest: unknown[]) => {
    if (typeof chunk !== 'string' || !LINE.test(chunk)) return write(chunk, ...rest);
    for (const ended of rest) if (typeof ended === 'function') ended();
    return true;
  };
}
