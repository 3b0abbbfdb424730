{{%AUTOESCAPE context="HTML"}}
  <div class="head">
    <div>
      <h1>Admin</h1>
      <p>What the server does, who uses it, and what they may.</p>
    </div>
    <nav class="sort small" aria-label="On this page">
      <ul><li><a href="#relay">Relay</a></li><li><a href="#users">Users</a></li><li><a href="#tunnels">Tunnels</a></li><li><a href="#settings">Settings</a></li><li><a href="#trail">Audit trail</a></li></ul>
    </nav>
  </div>
  <section class="form" id="relay" aria-labelledby="relay-h">
    <div class="card-head"><h2 id="relay-h">Relay</h2> {{#HEALTHY}}<span class="state lit">healthy</span>{{/HEALTHY}}</div>
    {{#TROUBLE}}
    <div class="flash bad" role="status"><p><strong>{{TROUBLE}}</strong></p></div>
    {{/TROUBLE}}
    {{#FIGURES}}
    <dl class="tiles" id="tiles" data-live>
      {{#TILE}}
      <div><dt>{{NAME}}</dt><dd>{{VALUE}} <small>{{UNIT}}</small></dd></div>
      {{/TILE}}
    </dl>
    {{/FIGURES}}
    {{#CERTIFICATE}}
    <div class="flash warn" role="status"><p><strong>{{CERTIFICATE}}</strong> Renew it; the relay takes the new one without cutting anybody.</p></div>
    {{/CERTIFICATE}}
  </section>
  <section class="card flat" id="users" aria-labelledby="users-h">
    <div class="card-head"><h2 id="users-h">Users</h2> <a class="btn mini" href="#invite">Invite somebody</a></div>
    <table class="stack">
      <thead><tr><th scope="col">Email</th><th scope="col">State</th><th scope="col">Role</th><th scope="col" class="num">Tunnels</th><th scope="col" class="num">Machines</th><th scope="col">Since</th><th scope="col"><span class="vh">Action</span></th></tr></thead>
      <tbody>
        {{#USER}}
        <tr><th scope="row"><a href="{{BASE}}/admin/users/{{USER_ID}}">{{USER_EMAIL}}</a></th><td data-label="State"><span class="state {{SHAPE}}">{{STATE}}</span></td><td data-label="Role">{{USER_ROLE}}</td><td class="num" data-label="Tunnels">{{TUNNELS}}</td><td class="num" data-label="Machines">{{MACHINES}}</td><td data-label="Since">{{SINCE}}</td><td class="num">{{#YOU}}<span class="soft small">this is you</span>{{/YOU}}{{#FREEZE}}<form method="post" action="{{BASE}}/admin/users/{{USER_ID}}/freeze"><input type="hidden" name="token" value="{{TOKEN}}"><button class="btn mini stop" type="submit">Freeze<span class="vh"> {{USER_EMAIL}}</span></button></form>{{/FREEZE}}{{#THAW}}<form method="post" action="{{BASE}}/admin/users/{{USER_ID}}/thaw"><input type="hidden" name="token" value="{{TOKEN}}"><button class="btn mini" type="submit">Thaw<span class="vh"> {{USER_EMAIL}}</span></button></form>{{/THAW}}</td></tr>
        {{/USER}}
      </tbody>
    </table>
    {{#PAGES}}
    <div class="pager"><span></span><nav class="acts" aria-label="Pages of users">{{#BEFORE}}<a class="btn mini" href="{{BASE}}/admin?page={{PAGE}}#users">Back</a>{{/BEFORE}} {{#AFTER}}<a class="btn mini" href="{{BASE}}/admin?page={{PAGE}}#users">Next</a>{{/AFTER}}</nav></div>
    {{/PAGES}}
  </section>
  <section class="card flat" id="tunnels" aria-labelledby="all-h">
    <div class="card-head"><h2 id="all-h">All tunnels</h2>
      <form class="find" role="search" action="{{BASE}}/admin#tunnels"><label class="vh" for="q">Search all tunnels</label><input id="q" name="q" type="search" placeholder="Name or port" value="{{Q}}"> <button class="btn mini" type="submit">Search</button></form></div>
    <table class="stack">
      <thead><tr><th scope="col">Tunnel</th><th scope="col">State</th><th scope="col">Owner</th><th scope="col">Address</th><th scope="col" class="num">Visitors</th><th scope="col"><span class="vh">Action</span></th></tr></thead>
      <tbody>
        {{#TUNNEL}}
        <tr><th scope="row"><a href="{{BASE}}/tunnels/{{TUNNEL_ID}}">{{TUNNEL_NAME}}</a></th><td data-label="State"><span class="state {{SHAPE}}">{{STATE}}</span></td><td data-label="Owner">{{OWNER}}</td><td data-label="Address"><code>{{ADDRESS}}</code></td><td class="num" data-label="Visitors">{{VISITORS}}</td><td class="num"><div class="acts">{{#VERIFY}}<form method="post" action="{{BASE}}/admin/tunnels/{{TUNNEL_ID}}/verify"><input type="hidden" name="token" value="{{TOKEN}}"><button class="btn mini" type="submit">Verify<span class="vh"> {{TUNNEL_NAME}}</span></button></form>{{/VERIFY}}{{#FREEZE}}<form method="post" action="{{BASE}}/admin/tunnels/{{TUNNEL_ID}}/freeze"><input type="hidden" name="token" value="{{TOKEN}}"><button class="btn mini stop" type="submit">Freeze<span class="vh"> {{TUNNEL_NAME}}</span></button></form>{{/FREEZE}}{{#THAW}}<form method="post" action="{{BASE}}/admin/tunnels/{{TUNNEL_ID}}/thaw"><input type="hidden" name="token" value="{{TOKEN}}"><button class="btn mini" type="submit">Thaw<span class="vh"> {{TUNNEL_NAME}}</span></button></form>{{/THAW}}</div></td></tr>
        {{/TUNNEL}}
      </tbody>
    </table>
    <div class="pager"><span>{{TUNNELS_SHOWN}}</span></div>
  </section>
  <div class="two even">
    <section class="card" id="settings" aria-labelledby="set-h">
      <h2 id="set-h">Settings</h2>
      <form class="form" method="post" action="{{BASE}}/admin/settings">
        <input type="hidden" name="token" value="{{TOKEN}}">
        <div class="field"><label for="sign_up">New accounts</label><select id="sign_up" name="sign_up"><option value="no"{{#SIGN_UP_CLOSED}} selected{{/SIGN_UP_CLOSED}}>By invitation only</option><option value="yes"{{#SIGN_UP_OPEN}} selected{{/SIGN_UP_OPEN}}>Open to everybody</option></select></div>
        <div class="field"><label for="verify_by">Who may verify a tunnel</label><select id="verify_by" name="verify_by"><option value="link"{{#BY_LINK}} selected{{/BY_LINK}}>Whoever holds the link</option><option value="admin"{{#BY_ADMIN}} selected{{/BY_ADMIN}}>An admin only</option></select></div>
        <div class="side">
          <div class="field"><label for="verify_hours">Hours a link is good</label><input class="mono port" id="verify_hours" name="verify_hours" type="text" inputmode="numeric" value="{{VERIFY_HOURS}}"{{#VERIFY_HOURS_WRONG}} aria-invalid="true" aria-describedby="verify_hours-e"{{/VERIFY_HOURS_WRONG}}>{{#VERIFY_HOURS_WRONG}}<p class="wrong" id="verify_hours-e">{{SAYS}}</p>{{/VERIFY_HOURS_WRONG}}</div>
          <div class="field"><label for="tunnels_max">Tunnels for each user</label><input class="mono port" id="tunnels_max" name="tunnels_max" type="text" inputmode="numeric" value="{{TUNNELS_MAX}}"{{#TUNNELS_MAX_WRONG}} aria-invalid="true" aria-describedby="tunnels_max-e"{{/TUNNELS_MAX_WRONG}}>{{#TUNNELS_MAX_WRONG}}<p class="wrong" id="tunnels_max-e">{{SAYS}}</p>{{/TUNNELS_MAX_WRONG}}</div>
          <div class="field"><label for="address_rate">Visits a minute</label><input class="mono port" id="address_rate" name="address_rate" type="text" inputmode="numeric" value="{{ADDRESS_RATE}}"{{#ADDRESS_RATE_WRONG}} aria-invalid="true" aria-describedby="address_rate-e"{{/ADDRESS_RATE_WRONG}}>{{#ADDRESS_RATE_WRONG}}<p class="wrong" id="address_rate-e">{{SAYS}}</p>{{/ADDRESS_RATE_WRONG}}</div>
        </div>
        <div class="field"><label for="abuse">Whom to tell of abuse</label><p class="hint" id="abuse-h">Stands at the foot of every page. Empty: nobody is named.</p><input id="abuse" name="abuse" type="text" maxlength="200" value="{{ABUSE}}"{{#ABUSE_WRONG}} aria-invalid="true" aria-describedby="abuse-e"{{/ABUSE_WRONG}}>{{#ABUSE_WRONG}}<p class="wrong" id="abuse-e">{{SAYS}}</p>{{/ABUSE_WRONG}}</div>
        <div class="acts"><button class="btn go" type="submit">Save settings</button></div>
      </form>
    </section>
    <section class="card" id="invite" aria-labelledby="inv-h">
      <h2 id="inv-h">Invitations</h2>
      {{#INVITED}}
      <div class="card once" role="status">
        <p><strong>Here is the link.</strong> It is shown this once, works once, and for seven days.</p>
        <code>{{LINK}}</code>
        <div class="acts"><button class="btn go mini needs-js" type="button" data-copy="{{LINK}}">Copy the link</button></div>
      </div>
      {{/INVITED}}
      <form class="side" method="post" action="{{BASE}}/admin/invite">
        <input type="hidden" name="token" value="{{TOKEN}}">
        <div class="field"><label for="note">For whom</label><input id="note" name="note" type="text" maxlength="100"{{#NOTE_WRONG}} aria-invalid="true" aria-describedby="note-e"{{/NOTE_WRONG}}>{{#NOTE_WRONG}}<p class="wrong" id="note-e">{{SAYS}}</p>{{/NOTE_WRONG}}</div>
        <button class="btn" type="submit">Make a link</button>
      </form>
      {{#INVITATIONS}}
      <ul class="plain">
        {{#INVITATION}}
        <li class="card-head"><span><bdi>{{NOTE}}</bdi><br><span class="soft small">made {{MADE}}, good until {{ENDS}}</span></span><form method="post" action="{{BASE}}/admin/invitations/{{INVITATION_ID}}/remove"><input type="hidden" name="token" value="{{TOKEN}}"><button class="btn mini" type="submit">Make void<span class="vh">: {{NOTE}}</span></button></form></li>
        {{/INVITATION}}
      </ul>
      {{/INVITATIONS}}
    </section>
  </div>
  <section class="card" id="trail" aria-labelledby="trail-h">
    <div class="card-head"><h2 id="trail-h">Audit trail</h2> {{#MORE_EVENTS}}<a class="small" href="{{BASE}}/admin?trail=all#trail">Show more</a>{{/MORE_EVENTS}}</div>
    <ol class="trail">
      {{#EVENT}}
      <li><time datetime="{{AT}}">{{WHEN}}</time> <span>{{WHO}}: <strong>{{DID}}</strong> <bdi>{{WHAT}}</bdi> <span class="soft">from <code>{{ORIGIN}}</code></span></span></li>
      {{/EVENT}}
    </ol>
  </section>
