import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { TestContext } from 'node:test';

const programs = ['/usr/bin/prometheus', '/usr/bin/promtool', '/usr/bin/prometheus-node-exporter'];

/** The reason to skip tests with a Prometheus; false if they run. With CI set test/setup.sh fails instead. */
export const skipWithoutPrometheus = programs.every((program) => existsSync(program))
  ? false
  : 'prometheus or prometheus-node-exporter is not installed';

/** Runs promtool. Returns its output on both streams. Throws if it fails. */
export async function promtool(args: readonly string[], input = ''): Promise<string> {
  const running = promisify(execFile)('promtool', [...args], { maxBuffer: 2 ** 26 });
  running.child.stdin?.end(input);
  const { stdout, stderr } = await running;
  return stdout + stderr;
}

/** Starts a program that listens. The program ends with the test. */
export function startProgram(t: TestContext, command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, [...args], { stdio: 'ignore' });
  t.after(async () => {
    if (child.exitCode !== null) return;
    child.kill();
    await once(child, 'exit');
  });
  return child;
}

/** A sample of an answer: its labels and its newest value. */
export interface Answer {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

interface Response {
  readonly status: string;
  readonly error?: string;
  readonly data: {
    readonly result: readonly {
      readonly metric: Record<string, string>;
      readonly value?: readonly [number, string];
      readonly values?: readonly (readonly [number, string])[];
    }[];
  };
}

/** Queries a Prometheus, with `query_range` if `more` has a span in seconds. Throws the error of a wrong query. */
export async function ask(
  port: number,
  query: string,
  more: Readonly<Record<string, string>> = {},
): Promise<readonly Answer[]> {
  const isRange = 'start' in more;
  const url = `http://127.0.0.1:${port}/api/v1/query${isRange ? '_range' : ''}`;
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams({ query, ...more }) });
  const { status, error, data } = (await response.json()) as Response;
  if (status !== 'success') throw new Error(`${query}: ${error ?? status}`);
  return data.result.map(({ metric, value, values }) => ({ metric, value: Number((value ?? values?.at(-1))?.[1]) }));
}

/** Waits until a query has an answer. */
export async function askUntil(port: number, query: string): Promise<readonly Answer[]> {
  for (let attempt = 0; attempt < 240; attempt += 1) {
    const answers = await ask(port, query).catch(() => []);
    if (answers.length > 0) return answers;
    await sleep(250);
  }
  throw new Error(`no answer to ${query}`);
}
