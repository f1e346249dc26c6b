/** The program of the thread that seals captures (seal-in-thread.ts). */
import { parentPort } from 'node:worker_threads';

import { FleetError, messageOf } from '../../platform/errors/errors.ts';
import { sealCapture } from './seal-capture.ts';
import type { CaptureAnswer, CaptureJob } from './seal-in-thread.ts';

async function answerTo({ payload, hello, task }: CaptureJob): Promise<CaptureAnswer> {
  try {
    const capture = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    return { made: await sealCapture(capture, hello, task), fault: null };
  } catch (thrown) {
    // An error loses its class on the way to the other thread.
    const { code, stage } = thrown instanceof FleetError ? thrown : ({ code: 'internal', stage: 'report' } as const);
    return { made: null, fault: { code, stage, message: messageOf(thrown) } };
  }
}

parentPort?.on('message', (job: CaptureJob) => {
  void answerTo(job).then((answer) => parentPort?.postMessage(answer));
});
parentPort?.postMessage('ready');
