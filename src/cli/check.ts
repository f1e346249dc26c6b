import type { Context, ExitStatus } from './context.ts';

export interface CheckOptions {
  readonly connect: boolean;
}

export function checkCommand(_context: Context, _options: CheckOptions): Promise<ExitStatus> {
  return Promise.resolve(3);
}
