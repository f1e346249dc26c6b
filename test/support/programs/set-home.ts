import type { TestContext } from 'node:test';

/** Sets HOME until the test ends. */
export function setHome(t: Pick<TestContext, 'after'>, home: string): void {
  const before = process.env['HOME'];
  process.env['HOME'] = home;
  t.after(() => {
    if (before === undefined) delete process.env['HOME'];
    else process.env['HOME'] = before;
  });
}
