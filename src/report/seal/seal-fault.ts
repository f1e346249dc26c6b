export type SealFaultCode = 'seal-no-key' | 'seal-corrupt' | 'report-too-large';

/**
 * The error if a sealed report cannot be opened, or a key cannot be used. The message contains no content of the report
 * and no key.
 */
export class SealFault extends Error {
  override readonly name = 'SealFault';
  readonly code: SealFaultCode;
  /** For `seal-no-key` the id of the key that would open the report; otherwise null. */
  readonly keyId: string | null;

  constructor(code: SealFaultCode, message: string, cause?: unknown, keyId: string | null = null) {
    super(message, { cause });
    this.code = code;
    this.keyId = keyId;
  }
}
