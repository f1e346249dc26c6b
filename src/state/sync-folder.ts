import { closeSync, fsync, openSync } from 'node:fs';

/** Throws what fs throws. */
export function syncDescriptor(descriptor: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fsync(descriptor, (error) => (error === null ? resolve() : reject(error)));
  });
}

/** Makes what was done in a folder (a file made, renamed, removed) survive a power loss. Throws what fs throws. */
export async function syncFolder(folder: string): Promise<void> {
  // Opening a folder to read waits for no disk that is busy with writing; only the sync has to be off the main thread.
  const descriptor = openSync(folder, 'r');
  try {
    await syncDescriptor(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The same for a folder in which many things are done at a time: whoever comes while a sync goes on shares the next one with
 * all others who do, which begins after this one and so covers what each of them did.
 */
export function sharedSync(folder: string, sync: typeof syncFolder = syncFolder): () => Promise<void> {
  let running: Promise<void> | null = null;
  let next: Promise<void> | null = null;
  const begin = (): Promise<void> => {
    next = null;
    const begun = sync(folder);
    running = begun;
    const ended = (): void => {
      if (running === begun) running = null;
    };
    begun.then(ended).catch(ended);
    return begun;
  };
  return () => {
    if (running === null) return begin();
    next ??= running.then(begin, begin);
    return next;
  };
}
