import { connect, connection, refusal } from '../connection.ts';

/** Says so when the server is gone or refuses everything; the page keeps what it has and goes on trying. */
export function ConnectionNotice() {
  const lost = connection.value === 'lost';
  const text = lost
    ? 'The server does not answer. It may have been stopped. Trying again every few seconds.'
    : refusal.value;
  return (
    <div role="alert">
      {text !== '' && (
        <div class="notice">
          <p>{text}</p>
          <button type="button" class="quiet" onClick={() => connect()}>
            Try now
          </button>
        </div>
      )}
    </div>
  );
}
