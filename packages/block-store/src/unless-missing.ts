/** What is read of a file or a directory, or something else where there is none. */
export async function unlessMissing<T, U>(reading: Promise<T>, otherwise: U): Promise<T | U> {
  try {
    return await reading
  } catch (err) {
    if (err instanceof Error && 'code' in err && err.code === 'ENOENT') return otherwise
    throw err
  }
}
