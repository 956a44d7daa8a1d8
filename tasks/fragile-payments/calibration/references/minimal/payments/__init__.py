"""Takes card payments for the shops on Brookstall.

Layout, from the outside in::

    __main__     reads the environment, starts the server
    app          puts the parts together and owns their lifetime
    api          HTTP routes; translates between JSON and the service
    service      what happens when somebody pays or is paid back
    settlement   hands captured charges to the provider in batches
    receipts     mails a receipt to the customer
    rates        exchange rates to EUR
    provider     client for the payment provider
    mailer       client for the mailer
    upstream     what both clients share
    store        SQLite
"""

__version__ = "1.14.2"
