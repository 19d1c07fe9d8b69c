def migrate(cr, version):
    """Tell from the events of each ticket when it was last spoken on.

    Set-based, since there may be millions of tickets; those from before the addon have
    no events and count from their receipt.
    """
    cr.execute(
        """
        UPDATE helpdesk_ticket ticket
           SET csp_last_contact_at = GREATEST(
                   COALESCE(
                       ticket.csp_received_at, date_trunc('second', ticket.create_date)
                   ),
                   contact.at
               )
          FROM helpdesk_ticket same
     LEFT JOIN (
                   SELECT ticket_id, max(at) AS at
                     FROM csp_ticket_event
                    WHERE kind IN ('received', 'customer_message', 'staff_reply')
                    GROUP BY ticket_id
               ) contact ON contact.ticket_id = same.id
         WHERE same.id = ticket.id AND ticket.csp_last_contact_at IS NULL
        """
    )
