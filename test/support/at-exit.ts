/**
 * Runs work when this process ends: at its exit, and at SIGTERM and SIGINT, which end a process without the event
 * `exit`. Returns a function that takes the work back.
 */
export function atExit(work: () => void): () => void {
  if (works.size === 0) listen();
  works.add(work);
  return () => {
    works.delete(work);
    if (works.size === 0) ignore();
  };
}

const works = new Set<() => void>();

const runAll = (): void => {
  for (const work of works) work();
};
const endBySigterm = (): never => process.exit(143);
const endBySigint = (): never => process.exit(130);

function listen(): void {
  process.once('exit', runAll);
  process.once('SIGTERM', endBySigterm);
  process.once('SIGINT', endBySigint);
}

function ignore(): void {
  process.removeListener('exit', runAll);
  process.removeListener('SIGTERM', endBySigterm);
  process.removeListener('SIGINT', endBySigint);
}
