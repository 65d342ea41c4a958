/** A recording that cannot be used; the message names the file, the place in it and the cure. */
export class RecordingError extends Error {
  override readonly name = 'RecordingError';
}
