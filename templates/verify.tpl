{{%AUTOESCAPE context="HTML"}}
  <div class="card verify">
    <div class="form">
      <h1>{{OWNER}} asks to open a tunnel</h1>
      <p>Once it is open, <strong>anybody who knows the address can reach port {{LOCAL_PORT}}</strong> of the computer that its owner chooses, and nothing else on it.</p>
      <dl class="facts">
        <dt>Called</dt><dd>{{NAME}}</dd>
        <dt>Address</dt><dd><code>{{ADDRESS}}</code>, {{KIND}}</dd>
        <dt>Leads to</dt><dd><code>{{TARGET}}</code>{{#MACHINE}} on <bdi>{{MACHINE}}</bdi>{{/MACHINE}}{{#NO_MACHINE}}, no computer yet{{/NO_MACHINE}}</dd>
        <dt>Asked by</dt><dd>{{OWNER}}, {{MADE}}</dd>
        <dt>Link ends</dt><dd>{{UNTIL}}, or when it is used</dd>
      </dl>
      <form method="post" action="{{BASE}}/verify/{{CODE}}"><input type="hidden" name="token" value="{{TOKEN}}"><button class="btn go wide" type="submit">Yes, open it</button></form>
      <p class="small soft">You did not expect this? Close the page. Nothing opens.</p>
    </div>
    {{#QR}}
    <figure class="field small soft">
      <svg class="qr" viewBox="0 0 {{WIDTH}} {{WIDTH}}" width="144" height="144" shape-rendering="crispEdges" role="img" aria-label="QR code of this link"><path d="{{PATH}}"/></svg>
      <figcaption>This page on your phone</figcaption>
    </figure>
    {{/QR}}
  </div>
