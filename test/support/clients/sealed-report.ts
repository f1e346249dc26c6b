import { randomUUID } from 'node:crypto';

import { encodeReport } from '../../../src/report/encode-report.ts';
import type { Report } from '../../../src/report/report.ts';
import type { KeyPair } from '../../../src/report/seal/key-pair.ts';
import { sealReport } from '../../../src/report/seal/seal.ts';
import { sampleReport } from '../../report/support/sample-report.ts';

export interface SealedSampleOptions {
  readonly key: KeyPair;
  /** Changes of the sample inside the seal. */
  readonly inside?: Partial<Report>;
  /** The header's fields. Default: those of the report inside. */
  readonly header?: { readonly client?: string; readonly reportId?: string };
  /** The plaintext, in place of a report. */
  readonly plaintext?: Buffer;
}

export interface SealedSample {
  readonly reportId: string;
  readonly sealed: Buffer;
}

/** Returns the sample report, sealed, with a new id and the present time. */
export function sealedSample({ key, inside, header, plaintext }: SealedSampleOptions): SealedSample {
  const report: Report = { ...sampleReport, report_id: randomUUID(), datetime: new Date().toISOString(), ...inside };
  const reportId = header?.reportId ?? report.report_id;
  const sealed = sealReport({
    publicKey: key.publicKey,
    reportId,
    client: header?.client ?? report.client,
    plaintext: plaintext ?? Buffer.from(encodeReport(report)),
  });
  return { reportId, sealed };
}
