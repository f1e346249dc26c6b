export type SealFaultCode = 'seal-no-key' | 'seal-corrupt' | 'report-too-large';

/** A sealed report cannot be opened, or a key cannot be used. The message holds no content of the report and no key. */
export class SealFault extends Error {
  override readonly name = 'SealFault';
  readonly code: SealFaultCode;

  constructor(code: SealFaultCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}
