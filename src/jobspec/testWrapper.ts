/**
 * Runs a test's command, its only argument, in whatever sh the image under test has, and nothing else of it.
 *
 * It is process 1, where a shell ignores SIGTERM unless it traps it, so it forwards the signal; and it outlives the command,
 * whose last output would be lost if the container ended with it.
 */
export const testWrapper = String.raw`sh -c "$1" &
child=$!
trap 'kill -TERM "$child" 2>/dev/null' TERM INT
wait "$child"
code=$?
while kill -0 "$child" 2>/dev/null; do
  wait "$child"
  code=$?
done
sleep 1 2>/dev/null
exit "$code"
`
