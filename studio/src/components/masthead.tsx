import { connection, signOut } from '../connection.ts';
import { model } from '../form.ts';
import { key } from '../key.ts';

const WORDS = { connecting: 'connecting', connected: 'ready', lost: 'not answering', locked: 'asks for a key' };

export function Masthead() {
  return (
    <header class="masthead">
      <a class="brand" href="/">
        <img src="/favicon.svg" alt="" />
        Reelay <span>Studio</span>
      </a>
      <p class="server" data-connection={connection.value}>
        {model.value?.id ?? 'server'} {WORDS[connection.value]}
        {key.value !== '' && (
          <button type="button" class="link" onClick={() => void signOut()}>
            Sign out
          </button>
        )}
      </p>
    </header>
  );
}
