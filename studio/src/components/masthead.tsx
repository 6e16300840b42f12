import { connection, signOut } from '../connection.ts';
import { model } from '../form.ts';
import { key } from '../key.ts';
import { view } from '../view.ts';

const WORDS = { connecting: 'connecting', connected: 'ready', lost: 'not answering', locked: 'asks for a key' };

export function Masthead() {
  return (
    <header class="masthead">
      <a class="brand" href="/">
        <img src="/favicon.svg" alt="" />
        Reelay <span>Studio</span>
      </a>
      <nav class="views" aria-label="Views">
        <a href="#create" aria-current={view.value === 'create' ? 'page' : undefined}>
          Create
        </a>
        <a href="#verify" aria-current={view.value === 'verify' ? 'page' : undefined}>
          Verify a file
        </a>
      </nav>
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
