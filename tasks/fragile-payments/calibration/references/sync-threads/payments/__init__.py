"""Takes card payments for the shops on Brookstall.

Layout, from the outside in::

    __main__     reads the environment, starts the server
    app          puts the parts together and owns their lifetime
    api          HTTP routes; translates between JSON and the service
    service      who is let in, and what a key names
    payment_job  one payment on its way through the provider; the rules about money
    refund_job   one refund
    attempts     what both have in common: attempts, and answering in time
    engine       the 10 threads that talk to the provider, and what waits for them
    rates        exchange rates to EUR
    settlement   hands captured charges to the provider in batches
    receipts     mails a receipt to the customer
    provider     client for the payment provider
    mailer       client for the mailer
    upstream     HTTP calls whose total time is bounded
    store        SQLite; one thread writes
    vault        card tokens of pending payments
"""

__version__ = "1.14.2"
