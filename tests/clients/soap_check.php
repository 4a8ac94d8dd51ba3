<?php
// PHP's own SoapClient, by the bank's WSDL, through every request of both services.

[, $base, $user, $password] = $argv;
$run = (string) hrtime(true);
$called = [];

function hold(bool $is, mixed $what): void
{
    if (!$is) {
        throw new RuntimeException(json_encode($what, JSON_UNESCAPED_UNICODE));
    }
}

function client(string $service, string $password): SoapClient
{
    global $base, $user;
    $wsse = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
    $profile = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0';
    $token = sprintf(
        '<w:Security SOAP-ENV:mustUnderstand="1" xmlns:w="%s"><w:UsernameToken><w:Username>%s</w:Username>'
            . '<w:Password Type="%s#PasswordText">%s</w:Password></w:UsernameToken></w:Security>',
        $wsse, htmlspecialchars($user, ENT_XML1), $profile, htmlspecialchars($password, ENT_XML1)
    );
    $client = new SoapClient("$base/webservices/$service?wsdl", ['cache_wsdl' => WSDL_CACHE_NONE]);
    $client->__setSoapHeaders(new SoapHeader($wsse, 'Security', new SoapVar($token, XSD_ANYXML), true));
    return $client;
}

function offered(SoapClient $client): array
{
    return array_map(fn ($line) => preg_replace('/^\w+ (\w+)\(.*/', '$1', $line), $client->__getFunctions());
}

function call(SoapClient $of, string $name, array $part): object
{
    global $called;
    $called[$name] = true;
    return $of->__soapCall($name, [$part]);
}

function done(SoapClient $of, string $name, array $part): object
{
    $answer = call($of, $name, $part);
    hold((string) $answer->errorCode === '0', [$name, $answer]);
    return $answer;
}

function pay(string $orderId): string
{
    echo "pay $orderId\n";
    hold(fgets(STDIN) !== false, 'nobody pays');
    return $orderId;
}

$merchant = client('merchant-ws', $password);
$loyalty = client('merchant-loyalty-ws', $password);

$register = function (string $name, string $number) use ($merchant, $run): string {
    $answer = done($merchant, $name, [
        'merchantOrderNumber' => $number . $run, 'amount' => 23500, 'currency' => '643', 'language' => 'en',
        'description' => 'An order <&> заказ', 'returnUrl' => 'https://shop.example/thanks?a=1&b=2',
        'expirationDate' => date('Y-m-d\TH:i:s', time() + 864000),
        'params' => [['name' => 'colour', 'value' => '<red>']],
    ]);
    hold(str_contains($answer->formUrl, $answer->orderId), $answer);
    return $answer->orderId;
};

$status = function (string $orderId, int $expected) use ($merchant): object {
    $answer = done($merchant, 'getOrderStatusExtended', ['orderId' => $orderId, 'language' => 'en']);
    hold($answer->orderStatus === $expected && $answer->amount === 23500, $answer);
    hold($answer->merchantOrderParams->value === '<red>' && $answer->attributes->value === $orderId, $answer);
    hold($answer->orderDescription === 'An order <&> заказ', $answer);
    return $answer->paymentAmountInfo;
};

$one = $register('registerOrder', 'one');
$again = call($merchant, 'registerOrder', [
    'merchantOrderNumber' => "one$run", 'amount' => 23500, 'returnUrl' => 'https://shop.example/',
]);
hold($again->errorCode === 1, $again);
$status($one, 0);
hold($status(pay($one), 2)->depositedAmount === 23500, 'paid');
$byNumber = done($merchant, 'getOrderStatusExtended', ['merchantOrderNumber' => "one$run"]);
hold($byNumber->orderStatus === 2, $byNumber);
$older = done($merchant, 'getOrderStatus', ['orderId' => $one]);
hold($older->orderStatus === 2 && $older->orderNumber === "one$run", $older);
done($merchant, 'refundOrder', ['orderId' => $one, 'refundAmount' => 500]);
hold($status($one, 4)->refundedAmount === 500, 'refunded');

[$a, $b, $c] = array_map(fn ($letter) => pay($register('registerOrderPreAuth', $letter)), ['a', 'b', 'c']);
done($merchant, 'reverseOrder', ['orderId' => $a]);
$status($a, 3);
done($merchant, 'depositOrder', ['orderId' => $b, 'depositAmount' => 20000]);
hold($status($b, 2)->depositedAmount === 20000, 'deposited');
$completed = done($loyalty, 'autoCompletion', ['orderId' => $c, 'compositeCompletionAmount' => 20000]);
hold($completed->operations->amount === 20000 && $completed->operations->successful === true, $completed);
hold($status($c, 2)->depositedAmount === 20000, 'completed');
done($loyalty, 'autoRefund', ['orderId' => $c, 'compositeRefundAmount' => 500]);
hold($status($c, 4)->refundedAmount === 500, 'refunded with points');

$found = done($merchant, 'getLastOrdersForMerchants', [
    'page' => 0, 'size' => 200, 'from' => date('c', time() - 3600), 'to' => date('c', time() + 3600),
    'transactionStates' => ['transactionStates' => ['DEPOSITED', 'REVERSED', 'REFUNDED']],
    'merchants' => ['merchants' => []], 'searchByCreatedDate' => true,
]);
$numbers = array_column($found->orderStatuses, 'orderNumber');
hold(!array_diff(["one$run", "a$run", "b$run", "c$run"], $numbers), $numbers);

$unknown = call($merchant, 'getOrderStatusExtended', ['orderId' => 'nobody']);
hold($unknown->errorCode === '6' && !isset($unknown->orderStatus), $unknown);
try {
    client('merchant-ws', "{$password}x")->__soapCall('getOrderStatus', [['orderId' => $one]]);
    hold(false, 'a stranger was let in');
} catch (SoapFault $told) {
    hold(str_ends_with($told->faultcode, 'FailedAuthentication'), $told->faultcode);
}

$never = array_diff(array_merge(offered($merchant), offered($loyalty)), array_keys($called));
hold(!$never, ['never called' => $never]);
echo 'all ', count($called), " requests answered\n";
