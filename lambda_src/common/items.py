"""Conditional writes to DynamoDB: of several invocations that write the same item at once, one succeeds."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from common.responses import error_code

CONDITION_FAILED = "ConditionalCheckFailedException"


def put_if(dynamodb: Any, table: str, item: dict[str, Any], condition: str, values: dict[str, Any]) -> bool:
    """Write an item if a condition holds.

    Args:
        dynamodb: DynamoDB client.
        table: Name of the table.
        item: Key and attributes, in DynamoDB's JSON.
        condition: Condition expression; DynamoDB evaluates it on the stored item.
        values: Values of the expression's placeholders, in DynamoDB's JSON.

    Returns:
        Whether the item was written; ``False`` if the condition does not hold.

    Raises:
        ClientError: DynamoDB rejects the request for another reason.
    """
    try:
        dynamodb.put_item(TableName=table, Item=item, ConditionExpression=condition, ExpressionAttributeValues=values)
    except ClientError as error:
        if error_code(error) == CONDITION_FAILED:
            return False
        raise
    return True
