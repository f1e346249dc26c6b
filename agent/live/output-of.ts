import type { SpawnOptions } from 'node:child_process';

import { errorCode, type ProgramAnswer } from '../probes/source.ts';

const maxOutputBytes = 1024 * 1024;

/**
 * Runs a program by its absolute path, without a shell, and returns its answer. Kills the program at the deadline.
 * Throws an Error with the reason: no answer in time, a failure (with the first line of stderr), or more than a
 * megabyte of output. A status outside of `accepted` is a failure.
 */
export async function outputOf(
  program: string,
  args: readonly string[],
  deadlineMs: number,
  env: NodeJS.ProcessEnv = process.env,
  accepted: readonly (number | null)[] = [0],
): Promise<ProgramAnswer> {
  const { spawn } = await import('node:child_process');
  const name = program.slice(program.lastIndexOf('/') + 1);
  return new Promise((resolve, reject) => {
    // A session of its own without the agent's output: no process waits for a child that hangs in the kernel. Without
    // free descriptors a child does not start and has no streams; its event `error` comes later.
    const options: SpawnOptions = { cwd: '/', env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] };
    const child = spawn(program, args, options);
    child.unref();
    let output = '';
    let complaint = '';
    const end = (fault: string | null): void => {
      clearTimeout(timer);
      child.stdout?.destroy();
      child.stderr?.destroy();
      if (child.exitCode === null && child.signalCode === null) killGroup(child.pid);
      if (fault === null) resolve({ output, status: child.exitCode });
      else reject(new Error(`${name}: ${fault}`));
    };
    const timer = setTimeout(() => end(`no answer within ${Math.round(deadlineMs)} ms`), deadlineMs);
    child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
      output += chunk;
      if (output.length > maxOutputBytes) end('its answer is too long');
    });
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      if (complaint.length < 200) complaint += chunk;
    });
    child.on('error', (error) => end(errorCode(error)));
    child.on('close', (code, signal) => {
      const reason = complaint.trim().split('\n', 1)[0] ?? '';
      end(
        accepted.includes(code)
          ? null
          : reason === ''
            ? `ended with ${signal ?? code ?? 'nothing'}`
            : reason.slice(0, 200),
      );
    });
  });
}

/** Kills a program together with its children. */
function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // The group has ended in the meantime.
  }
}
