/** Runs work one after the other, in the order of the calls. A failure does not stop the next work. */
export class Serial {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => null);
    return result;
  }
}
