{{%AUTOESCAPE context="HTML"}}
  <div class="card">
    {{#USED}}
    <h1>This link has done its work</h1>
    <p>Somebody opened “<bdi>{{NAME}}</bdi>” with it {{WHEN}}. A link works once, so there is nothing left to do here.</p>
    <p class="soft">Was it not you? Ask the owner to pause the tunnel, or tell the admin of this server.</p>
    {{/USED}}
    {{#ENDED}}
    <h1>This link has ended</h1>
    <p>It was good until {{WHEN}}, and nobody used it. Nothing was opened.</p>
    <p class="soft">The owner gets a fresh link on the tunnel’s page with “New link”.</p>
    {{/ENDED}}
    {{#WRONG}}
    <h1>No such link</h1>
    <p>This verification link opens nothing. Perhaps a part of it was lost on the way, or there is a newer one.</p>
    <p class="soft">The newest link stands on the tunnel’s page.</p>
    {{/WRONG}}
    <div class="acts"><a class="btn" href="{{BASE}}/">To the tunnels</a></div>
  </div>
